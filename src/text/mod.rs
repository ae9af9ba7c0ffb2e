//! Text for people: durations, cuts, Markdown. Knows nothing of deploying.

pub(crate) mod duration;
pub(crate) mod markdown;
pub(crate) mod markdown_escape;
pub(crate) mod nearest;
pub(crate) mod truncate;
