//! Function types of the device tables, by topic.

mod context;
mod pipeline;
mod query;
mod resource;
mod shader;
mod state;
mod view;

pub use context::*;
pub use pipeline::*;
pub use query::*;
pub use resource::*;
pub use shader::*;
pub use state::*;
pub use view::*;
