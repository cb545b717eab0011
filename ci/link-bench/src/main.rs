//! Measures a link from the guest's end, without Windows: `cargo xtask bench link` runs it beside plain TCP.
//!
//! It is a guest like any other as far as the host knows: an aperture, a hello, a context with a ring. What it prints is one line of JSON.

#![forbid(unsafe_code)]

mod guest;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use pvgpu_protocol::command::{
    CreateResource, Fence, HeapRange, SubresourceBox, UpdateSubresource, WriteStaging, bind, dimension, usage,
};
use pvgpu_transport::Link;
use pvgpu_transport::secure::{Identity, Peer, Peers, Role};

use guest::Guest;

const HELP: &str = "\
link-bench: measures a link of pvgpud from the guest's end

usage: link-bench --link LINK COMMAND [--seconds S]
       link-bench keys FOLDER

  keys   makes two paired machines, whose keys' folders are `host` and `guest` in FOLDER

  bulk   contents of the heap that reach the host:          {\"bits_per_second\": N}
  upload the same into a buffer of the host's renderer:     {\"bits_per_second\": N}
  ping   from publishing an empty command to its fence:     {\"p50_us\": N, \"p99_us\": N}
  idle   nothing, after a line that says \"connected\"
";

/// Bytes of one upload, and how many are under way.
const UPLOAD: u64 = 8 << 20;
const UNDER_WAY: u64 = 4;

enum What {
    Bulk,
    Upload,
    Ping,
    Idle,
}

fn main() -> ExitCode {
    match parse().and_then(|task| match task {
        Task::Keys(folder) => pair(&folder).map(|()| None),
        Task::Measure(link, what, time) => run(&link, &what, time),
    }) {
        Ok(Some(line)) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Ok(None) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("link-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

enum Task {
    Keys(PathBuf),
    Measure(Link, What, Duration),
}

fn parse() -> Result<Task, String> {
    use lexopt::prelude::*;
    let (mut link, mut what, mut seconds) = (None, None, 2.0);
    let mut arguments = lexopt::Parser::from_env();
    let failed = |error: lexopt::Error| error.to_string();
    while let Some(argument) = arguments.next().map_err(failed)? {
        match argument {
            Long("link") => {
                let value = arguments.value().map_err(failed)?;
                link = Some(value.to_string_lossy().parse::<Link>().map_err(|error| error.to_string())?);
            }
            Long("seconds") => seconds = arguments.value().and_then(|value| value.parse()).map_err(failed)?,
            Long("help") => return Err(HELP.to_owned()),
            Value(value) if value == "keys" => {
                return Ok(Task::Keys(PathBuf::from(arguments.value().map_err(failed)?)));
            }
            Value(value) => {
                what = Some(match value.to_str() {
                    Some("bulk") => What::Bulk,
                    Some("upload") => What::Upload,
                    Some("ping") => What::Ping,
                    Some("idle") => What::Idle,
                    _ => return Err(HELP.to_owned()),
                });
            }
            other => return Err(failed(other.unexpected())),
        }
    }
    let time = Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())?;
    Ok(Task::Measure(link.ok_or(HELP)?, what.ok_or(HELP)?, time))
}

/// Makes the keys of a host and of a guest that know each other.
fn pair(folder: &Path) -> Result<(), String> {
    let (host, guest) = (folder.join("host"), folder.join("guest"));
    let key = |folder: &Path| {
        std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        Identity::load_or_make(folder).map(|key| key.public()).map_err(|error| error.to_string())
    };
    let (host_key, guest_key) = (key(&host)?, key(&guest)?);
    for (folder, name, role, key) in
        [(host, "guest", Role::Guest, guest_key), (guest, "host", Role::Host, host_key)]
    {
        let peer = Peer { name: name.to_owned(), role, key, address: None };
        Peers::in_folder(&folder).add(peer).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn run(link: &Link, what: &What, time: Duration) -> Result<Option<String>, String> {
    let mut guest = Guest::connect(link)?;
    match what {
        What::Bulk => bulk(&mut guest, time).map(Some),
        What::Upload => upload(&mut guest, time).map(Some),
        What::Ping => ping(&mut guest, time).map(Some),
        What::Idle => {
            println!("connected");
            guest.idle(time)?;
            Ok(None)
        }
    }
}

/// Contents that a program has written into staging resources, a few of them under way at a time. The host looks at where they lie and
/// no more, so that this is the link's throughput.
fn bulk(guest: &mut Guest, time: Duration) -> Result<String, String> {
    contents(guest, time, |guest, data| guest.send(&WriteStaging { data }))
}

/// Uploads into a buffer, a few of them under way at a time: the link's throughput and the renderer's.
fn upload(guest: &mut Guest, time: Duration) -> Result<String, String> {
    let buffer = CreateResource {
        id: 1,
        dimension: dimension::BUFFER,
        // CAST: 8 MiB.
        width: UPLOAD as u32,
        height: 1,
        depth: 1,
        mip_levels: 1,
        array_size: 1,
        sample_count: 1,
        usage: usage::DEFAULT,
        bind_flags: bind::VERTEX_BUFFER,
        ..Default::default()
    };
    guest.send(&buffer)?;
    let dst_box = SubresourceBox { left: 0, top: 0, front: 0, right: UPLOAD as u32, bottom: 1, back: 1 };
    contents(guest, time, |guest, data| {
        guest.send(&UpdateSubresource {
            data,
            dst: 1,
            dst_subresource: 0,
            dst_box,
            row_pitch: 0,
            depth_pitch: 0,
        })
    })
}

/// Bits a second of contents that commands of `send` bring to the host.
fn contents(
    guest: &mut Guest,
    time: Duration,
    send: impl Fn(&mut Guest, HeapRange) -> Result<(), String>,
) -> Result<String, String> {
    // Nothing that a mirror could leave out, and other bytes in each place.
    for place in 0..UNDER_WAY {
        guest.fill(place * UPLOAD, UPLOAD, place);
    }
    let upload = |guest: &mut Guest, number: u64| {
        let data = HeapRange { offset: guest.data_offset() + number % UNDER_WAY * UPLOAD, length: UPLOAD };
        send(guest, data)?;
        guest.send(&Fence { value: number })
    };
    // The first ones are for connections and caches to warm up.
    let warm = UNDER_WAY * 2;
    let mut begin = Instant::now();
    let mut number = 0;
    loop {
        number += 1;
        upload(guest, number)?;
        if number > UNDER_WAY {
            guest.wait(number - UNDER_WAY)?;
        }
        if number == warm + UNDER_WAY {
            begin = Instant::now();
        }
        if number > warm + UNDER_WAY && begin.elapsed() >= time {
            break;
        }
    }
    let done = number - UNDER_WAY - warm;
    // CAST: counts that a double holds.
    let bits = (done * UPLOAD * 8) as f64 / begin.elapsed().as_secs_f64();
    Ok(format!("{{\"bits_per_second\": {bits:.0}}}"))
}

/// An empty command and its fence, again and again.
fn ping(guest: &mut Guest, time: Duration) -> Result<String, String> {
    let mut times = Vec::new();
    let begin = Instant::now();
    let mut number = 0;
    while begin.elapsed() < time {
        number += 1;
        let sent = Instant::now();
        guest.send(&Fence { value: number })?;
        guest.wait(number)?;
        times.push(sent.elapsed());
    }
    // The first tenth is for caches to warm up.
    let mut times = times.split_off(times.len() / 10);
    times.sort_unstable();
    let part = |hundredths: usize| {
        let place = times.len().saturating_sub(1) * hundredths / 100;
        times.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e6)
    };
    Ok(format!("{{\"p50_us\": {:.2}, \"p99_us\": {:.2}}}", part(50), part(99)))
}
