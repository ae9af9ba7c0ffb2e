//! YAML as a tree of values with their places. Only what a stack file may contain:
//! one document without aliases, anchors or tags, of bounded size and depth.

use std::fmt;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

/// The largest file that is read, in bytes: far more than 200 services need.
pub(crate) const LARGEST: u64 = 256 * 1024;

/// How deep a value may be in others. A stack file needs five.
const DEEPEST: usize = 16;

/// A place in a file; both numbers count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl Place {
    /// The first character of a file.
    pub const START: Self = Self { line: 1, column: 1 };

    fn of(marker: &Marker) -> Self {
        Self {
            line: marker.line(),
            column: marker.col() + 1,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Where it begins.
    pub place: Place,
}

/// Something wrong in a stack file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StackProblem {
    /// Where.
    pub place: Place,
    /// What, and how to fix it.
    pub message: String,
}

impl StackProblem {
    pub(super) fn new(place: Place, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { place, message }
    }
}

impl fmt::Display for StackProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// A value of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// No value: an empty one, `null` or `~`.
    Null,
    /// A text, number or boolean, as it is written.
    Text(String),
    List(Vec<Placed<Self>>),
    /// In the order of the file. A key may occur twice.
    Map(Vec<(Placed<String>, Placed<Self>)>),
}

impl Node {
    /// What it is, for a message.
    pub(super) const fn noun(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

/// Reads the one document of a file.
pub(super) fn read(text: &str) -> Result<Placed<Node>, StackProblem> {
    if text.len() as u64 > LARGEST {
        let message = format!("the file has more than {} kB", LARGEST / 1024);
        return Err(StackProblem::new(Place::START, message));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut tree = Tree::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let message = format!("this is not YAML: {}", error.info());
            StackProblem::new(Place::of(error.marker()), message)
        })?;
        tree.take(event, Place::of(&span.start))?;
    }
    Ok(tree.root.unwrap_or(Placed {
        value: Node::Null,
        place: Place::START,
    }))
}

/// The tree as far as it was read.
#[derive(Default)]
struct Tree {
    root: Option<Placed<Node>>,
    open: Vec<Open>,
}

/// A list or mapping whose end was not read yet.
struct Open {
    node: Placed<Node>,
    /// The key whose value is next.
    key: Option<Placed<String>>,
}

impl Tree {
    fn take(&mut self, event: Event<'_>, place: Place) -> Result<(), StackProblem> {
        let refuse = |message: &str| Err(StackProblem::new(place, message));
        let at = |value| Placed { value, place };
        match event {
            Event::Alias(_) => refuse("aliases (*name) are not supported. Write the value out"),
            Event::Scalar(_, _, 1.., _)
            | Event::SequenceStart(1.., _)
            | Event::MappingStart(1.., _) => refuse("anchors (&name) are not supported. Remove it"),
            Event::Scalar(.., Some(_))
            | Event::SequenceStart(_, Some(_))
            | Event::MappingStart(_, Some(_)) => {
                refuse("tags (!name) are not supported. Remove it")
            }
            Event::DocumentStart(_) if self.root.is_some() => {
                refuse("a second document begins here. A stack file has one")
            }
            Event::Scalar(text, style, ..) => {
                let is_null = style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null");
                let node = if is_null {
                    Node::Null
                } else {
                    Node::Text(text.into_owned())
                };
                self.add(at(node))
            }
            Event::SequenceStart(..) => self.begin(at(Node::List(Vec::new()))),
            Event::MappingStart(..) => self.begin(at(Node::Map(Vec::new()))),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => self.add(open.node),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn begin(&mut self, node: Placed<Node>) -> Result<(), StackProblem> {
        if self.open.len() == DEEPEST {
            return Err(StackProblem::new(
                node.place,
                "this is too deep in other values",
            ));
        }
        if self.open.last().is_some_and(Open::is_at_key) {
            return Err(StackProblem::new(node.place, "a key has to be a text"));
        }
        self.open.push(Open { node, key: None });
        Ok(())
    }

    fn add(&mut self, node: Placed<Node>) -> Result<(), StackProblem> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        let is_at_key = open.is_at_key();
        match (&mut open.node.value, node) {
            (
                Node::Map(_),
                Placed {
                    value: Node::Text(value),
                    place,
                },
            ) if is_at_key => {
                open.key = Some(Placed { value, place });
            }
            (Node::Map(_), node) if is_at_key => {
                return Err(StackProblem::new(node.place, "a key has to be a text"));
            }
            (Node::Map(entries), node) => entries.extend(open.key.take().map(|key| (key, node))),
            (Node::List(items), node) => items.push(node),
            _ => {}
        }
        Ok(())
    }
}

impl Open {
    const fn is_at_key(&self) -> bool {
        matches!(self.node.value, Node::Map(_)) && self.key.is_none()
    }
}
