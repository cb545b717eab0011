//! The COM objects of DXGI, the DLL's exports, and the thread that shows frames.

mod adapter;
mod association;
mod buffers;
mod d3d10;
mod debug;
mod export;
mod factory;
mod kernel;
mod output;
mod ownership;
mod presenter;
mod private_data;
mod screen;
mod semaphore;
mod sink;
mod status;
mod swap_chain;
mod vtable;
