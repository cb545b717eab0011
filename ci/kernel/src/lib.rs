//! Runs the driver image under the strict model of dxgkrnl: scenarios, the failures that are injected into them, fuzzing, and
//! the host that they meet.
//!
//! | module | what |
//! |---|---|
//! | `image` | pvgpukmd.sys, loaded for the model |
//! | `rig` | a booted system; a scenario and how it ended |
//! | `host` | a host without a GPU, honest or hostile |
//! | `user`, `cells` | what a user-mode driver does |
//! | `scenario` | everything that happens to a driver |
//! | `link` | the link service that ships, in a process of the model |
//! | `sweep` | each scenario with each of its calls failing |
//! | `fuzz` | arguments that no honest caller passes |

pub mod cells;
pub mod fuzz;
pub mod host;
pub mod image;
pub mod link;
pub mod random;
pub mod rig;
pub mod scenario;
pub mod sweep;
pub mod user;
