//! The COM objects of DXGI, the DLL's exports, and the thread that shows frames.

mod adapter;
mod debug;
mod export;
mod factory;
mod kernel;
mod output;
mod presenter;
mod private_data;
mod semaphore;
mod sink;
mod swap_chain;
