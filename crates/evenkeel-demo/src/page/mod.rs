//! The demo's outcome as one HTML page that needs nothing but itself: no script, no image, no network.

mod act;
mod axis;
mod canvas;
mod chart;
mod document;
mod events;
mod failures;
mod list;
mod marks;
mod model;
mod names;
mod outline;
mod stack;
mod style;
mod tags;
mod text;
mod view;

pub use self::view::page;

#[cfg(test)]
mod tests;
