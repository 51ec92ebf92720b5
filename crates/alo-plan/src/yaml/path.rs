//! Where in the document the composer is, so that its faults can say it.

use crate::pointer::escaped;
use crate::span::Span;

#[derive(Debug, Default)]
pub(super) struct Path(Vec<Part>);

#[derive(Debug)]
enum Part {
    Index(usize),
    /// The place of the key: its text is looked up only when a fault needs it.
    Key(Span),
}

impl Path {
    pub(super) fn enter_item(&mut self, index: usize) {
        self.0.push(Part::Index(index));
    }

    pub(super) fn enter_key(&mut self, key: Span) {
        self.0.push(Part::Key(key));
    }

    pub(super) fn leave(&mut self) {
        self.0.pop();
    }

    pub(super) fn pointer(&self, text: &str) -> String {
        let mut pointer = String::new();
        for part in &self.0 {
            pointer.push('/');
            match part {
                Part::Index(index) => pointer.push_str(&index.to_string()),
                Part::Key(key) => {
                    let key = key.text(text).trim_matches(|c| matches!(c, '"' | '\''));
                    pointer.push_str(&escaped(key));
                }
            }
        }
        pointer
    }
}
