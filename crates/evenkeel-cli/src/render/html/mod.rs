//! The demo's outcome as one HTML page that needs nothing but itself: no script, no image, no network.

mod act;
mod axis;
mod chart;
mod failures;
mod list;
mod marks;
mod model;
mod names;
mod page;
mod stack;
mod style;
mod tags;
mod text;

pub(crate) use self::model::{ActView, Figure, Page, PodView, Series, Timeline};
pub(crate) use self::style::Colours;

/// The page. The same outcome gives the same page, byte by byte.
pub(crate) fn render(page: &Page) -> String {
    page::document(page)
}

#[cfg(test)]
mod tests;
