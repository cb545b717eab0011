//! The entry points over a fake of NT and of dxgkrnl, called as dxgkrnl calls them: through the table.
#![expect(unsafe_code, reason = "the tests play NT and dxgkrnl, which deal in pointers")]

mod display;
mod failures;
mod fake_nt;
mod pci;
mod port;
mod present;
mod rig;
mod root;
mod statuses;
