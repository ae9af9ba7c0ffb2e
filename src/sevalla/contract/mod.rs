//! What is known of the API's contract: the fields of its records and the words
//! of its sets. Nothing is refused by them; they only show what is new.

pub mod news;
pub mod shapes;
pub mod words;
