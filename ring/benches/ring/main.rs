//! How fast the ring is, beside the figures that bound it, all measured in one run.
//!
//! `cargo bench -p pvgpu-ring --bench ring -- [--json]`, two cores at least:
//! - records of 64 bytes from thread to thread, beside `rtrb` with 64-byte elements;
//! - records of 4 KiB from thread to thread, beside the same blocks through `rtrb`, which copies them by `memcpy`;
//! - one-way latency between two processes that spin, beside a bare cache line that goes to and fro between the same two;
//! - the producer alone, beside `rtrb`'s.
//!
//! Each measurement alternates with its counterpart, round by round; the figures are medians over the rounds, so what
//! else runs on the machine hits both. Exit code 1 when a bar of the project is missed.

#[cfg(feature = "loom")]
fn main() {
    eprintln!("the ring is built for its models: run without the feature loom");
}

#[cfg(not(feature = "loom"))]
mod latency;
#[cfg(not(feature = "loom"))]
mod report;
#[cfg(not(feature = "loom"))]
mod throughput;

#[cfg(not(feature = "loom"))]
fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, core, path] = arguments.as_slice()
        && flag == latency::PEER_FLAG
    {
        latency::peer(core.parse().expect("a core"), path.as_ref());
        return std::process::ExitCode::SUCCESS;
    }
    let Some(pair) = cores() else {
        eprintln!("the ring is measured between two cores, and there is only one");
        return std::process::ExitCode::FAILURE;
    };
    let json = arguments.iter().any(|argument| argument == "--json");
    let figures = [
        throughput::small_records(pair),
        throughput::large_records(pair),
        latency::between_processes(pair),
        throughput::producer_alone(),
    ];
    report::print(&figures, json)
}

/// Where the two sides run.
#[cfg(not(feature = "loom"))]
#[derive(Clone, Copy)]
struct Cores {
    one: usize,
    other: usize,
}

/// The first two cores that this program may use. To be asked before a thread is put on one of them: threads and child
/// processes inherit that.
#[cfg(not(feature = "loom"))]
fn cores() -> Option<Cores> {
    let allowed = rustix::thread::sched_getaffinity(None).ok()?;
    let mut cores = (0..rustix::thread::CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
    Some(Cores { one: cores.next()?, other: cores.next()? })
}

/// Puts the calling thread on a core.
#[cfg(not(feature = "loom"))]
fn pin(core: usize) {
    let mut set = rustix::thread::CpuSet::new();
    set.set(core);
    rustix::thread::sched_setaffinity(None, &set).expect("a core of this program");
}
