//! What a pattern is: words by which a line is known to tell of a failure, and
//! what is to be said of it.

/// How near a line is to the cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// It names what has to be changed.
    Cause,
    /// It says what went wrong, and not why.
    Symptom,
    /// It says how the deployment ended, which is news where nothing else is.
    Ending,
    /// It only says that something before it went wrong.
    Consequence,
}

/// Where in a line the words stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    /// Where the tool's own text begins.
    First,
    /// Anywhere.
    Anywhere,
    /// They are all of it.
    Alone,
}

/// What is named as the place where no line names one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Otherwise {
    Nowhere,
    /// The Dockerfile's line that failed.
    InDockerfile,
}

/// Words by which a failure is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pattern {
    pub(super) title: &'static str,
    pub(super) advice: &'static str,
    pub(super) words: &'static [&'static str],
    pub(super) stands: Anchor,
    pub(super) rank: Rank,
    /// What has to follow the words.
    pub(super) then: Option<fn(&str) -> bool>,
    /// What the whole line has to be like.
    pub(super) when: Option<fn(&str) -> bool>,
    /// What one of the lines just before has to begin with; it is told too.
    pub(super) behind: Option<&'static str>,
    /// Lines after it that are told too.
    pub(super) keeps: u8,
    /// Lines after it in which a place is looked for.
    pub(super) place_below: u8,
    /// Lines before it in which a place is looked for.
    pub(super) place_above: u8,
    /// What stands before the name of a file of which the line is not named.
    pub(super) file_behind: &'static str,
    /// Whether it is none without a place in the line.
    pub(super) needs_place: bool,
    /// Whether a place in the line is one of somebody else's.
    pub(super) is_nowhere: bool,
    /// Whether it tells of the program that was deployed, and not of a build.
    pub(super) is_of_run: bool,
    /// What its place is where no line names one.
    pub(super) otherwise: Otherwise,
    /// The titles of what follows from it, or what it explains better.
    pub(super) hides: &'static [&'static str],
}

/// Something that has to be changed.
pub(super) const fn cause(
    title: &'static str,
    words: &'static [&'static str],
    advice: &'static str,
) -> Pattern {
    Pattern {
        title,
        advice,
        words,
        stands: Anchor::First,
        rank: Rank::Cause,
        then: None,
        when: None,
        behind: None,
        keeps: 0,
        place_below: 0,
        place_above: 0,
        file_behind: "",
        needs_place: false,
        is_nowhere: false,
        is_of_run: false,
        otherwise: Otherwise::Nowhere,
        hides: &[],
    }
}

/// Something that went wrong for a reason that is still to be found.
pub(super) const fn symptom(
    title: &'static str,
    words: &'static [&'static str],
    advice: &'static str,
) -> Pattern {
    Pattern {
        rank: Rank::Symptom,
        ..cause(title, words, advice)
    }
}

/// How a deployment ended.
pub(super) const fn ending(
    title: &'static str,
    words: &'static [&'static str],
    advice: &'static str,
) -> Pattern {
    Pattern {
        rank: Rank::Ending,
        ..cause(title, words, advice)
    }
}

/// Something that went wrong since something before did. It is never shown, so it
/// needs no advice.
pub(super) const fn consequence(title: &'static str, words: &'static [&'static str]) -> Pattern {
    Pattern {
        rank: Rank::Consequence,
        ..cause(title, words, "")
    }
}

impl Pattern {
    /// Whether its words may stand anywhere in a line.
    pub(super) fn is_anywhere(&self) -> bool {
        self.stands == Anchor::Anywhere
    }

    pub(super) const fn anywhere(self) -> Self {
        Self {
            stands: Anchor::Anywhere,
            ..self
        }
    }

    pub(super) const fn alone(self) -> Self {
        Self {
            stands: Anchor::Alone,
            ..self
        }
    }

    pub(super) const fn then(self, then: fn(&str) -> bool) -> Self {
        Self {
            then: Some(then),
            ..self
        }
    }

    pub(super) const fn when(self, when: fn(&str) -> bool) -> Self {
        Self {
            when: Some(when),
            ..self
        }
    }

    pub(super) const fn behind(self, behind: &'static str) -> Self {
        Self {
            behind: Some(behind),
            ..self
        }
    }

    pub(super) const fn keeps(self, keeps: u8) -> Self {
        Self { keeps, ..self }
    }

    pub(super) const fn place_below(self, place_below: u8) -> Self {
        Self {
            place_below,
            ..self
        }
    }

    pub(super) const fn place_above(self, place_above: u8) -> Self {
        Self {
            place_above,
            ..self
        }
    }

    pub(super) const fn file_behind(self, file_behind: &'static str) -> Self {
        Self {
            file_behind,
            ..self
        }
    }

    pub(super) const fn needs_place(self) -> Self {
        Self {
            needs_place: true,
            ..self
        }
    }

    pub(super) const fn nowhere(self) -> Self {
        Self {
            is_nowhere: true,
            ..self
        }
    }

    pub(super) const fn in_dockerfile(self) -> Self {
        Self {
            otherwise: Otherwise::InDockerfile,
            ..self
        }
    }

    pub(super) const fn hides(self, hides: &'static [&'static str]) -> Self {
        Self { hides, ..self }
    }

    pub(super) const fn of_run(self) -> Self {
        Self {
            is_of_run: true,
            ..self
        }
    }
}
