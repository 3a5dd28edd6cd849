//! What the page looks like.

/// The whole style sheet; a test keeps `url(` out of it.
pub(super) const STYLE: &str = include_str!("style.css");

/// How many colours `style.css` has for pods; after that they begin again.
pub(super) const COLOURS: usize = 9;

/// Gives each name a colour of its own, in the order in which names come.
#[derive(Debug, Default)]
pub(crate) struct Colours(Vec<String>);

impl Colours {
    /// The colour of the pod with this name.
    pub(crate) fn of(&mut self, name: &str) -> usize {
        let known = self.0.iter().position(|other| other == name);
        known.unwrap_or_else(|| {
            self.0.push(name.to_owned());
            self.0.len() - 1
        })
    }
}

/// The class of what has this colour.
pub(super) fn series(colour: usize) -> String {
    format!("s{}", colour % COLOURS + 1)
}
