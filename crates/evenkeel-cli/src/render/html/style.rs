//! What the page looks like.

/// The whole style sheet; a test keeps `url(` out of it.
pub(super) const STYLE: &str = include_str!("style.css");

/// How many colours `style.css` has for pods; after that they begin again.
pub(super) const COLOURS: usize = 9;

/// The class of the pod with this index.
pub(super) fn series(index: usize) -> String {
    format!("s{}", index % COLOURS + 1)
}
