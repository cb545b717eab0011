//! `netlab`: makes a path between two namespaces for as long as it runs, to measure it or to try something by hand.

use std::process::ExitCode;
use std::time::Duration;

use lexopt::prelude::*;
use pvgpu_netlab::{Lab, Path, Side, Spec, measure};

const HELP: &str = "\
netlab [OPTIONS] measure|hold

  measure            print what the path gives to TCP, in both directions
  hold               print how to enter each side, and keep the path until standard input ends

  --relay            through a relay of this process instead of the kernel's own pair of devices; delay, jitter and loss need it
  --rate GBITS       10^9 bits a second
  --rtt MS           round trip in milliseconds
  --jitter MS        at most so much more, for each packet in each direction
  --loss SHARE       of the packets, e.g. 0.01
  --seed N           another series of lost packets
  --mtu BYTES        1500 if not given
  --no-offloads      the relay gets TCP's packets as they would be on the wire
  --seconds S        of each measure (3)";

/// Bytes of a message that goes there and back.
const MESSAGE: usize = 64;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("netlab: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let (mut spec, mut seconds, mut what) = (Spec::new(Path::Veth), 3.0, None);
    let milliseconds = |text: std::ffi::OsString| -> Result<Duration, Box<dyn std::error::Error>> {
        Ok(Duration::try_from_secs_f64(text.parse::<f64>()? / 1000.0)?)
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => {
                println!("{HELP}");
                return Ok(());
            }
            Long("relay") => spec.path = Path::Relay,
            // CAST: a number of bits has no fraction; what is out of range saturates.
            Long("rate") => spec.rate = Some((parser.value()?.parse::<f64>()? * 1e9) as u64),
            Long("rtt") => (spec.path, spec.delay) = (Path::Relay, milliseconds(parser.value()?)? / 2),
            Long("jitter") => (spec.path, spec.jitter) = (Path::Relay, milliseconds(parser.value()?)?),
            Long("loss") => {
                // CAST: as above; a share above 1 is refused by the lab.
                let loss = (parser.value()?.parse::<f64>()? * 1e6).round() as u32;
                (spec.path, spec.loss_ppm) = (Path::Relay, loss);
            }
            Long("seed") => spec.seed = parser.value()?.parse()?,
            Long("mtu") => spec.mtu = parser.value()?.parse()?,
            Long("no-offloads") => spec.offloads = false,
            Long("seconds") => seconds = parser.value()?.parse()?,
            Value(word) if what.is_none() && (word == "measure" || word == "hold") => what = Some(word),
            other => return Err(other.unexpected().into()),
        }
    }
    let time = Duration::try_from_secs_f64(seconds)?;
    match what {
        None => Err(HELP.into()),
        Some(word) if word == "hold" => hold(&Lab::new(&spec)?),
        Some(_) => measure(&Lab::new(&spec)?, time),
    }
}

fn hold(lab: &Lab) -> Result<(), Box<dyn std::error::Error>> {
    for (name, side) in [("host", Side::Host), ("guest", Side::Guest)] {
        println!("{name} {}: nsenter --net={} -- COMMAND", lab.address(side), lab.file(side).display());
    }
    println!("Both are gone when standard input ends (Ctrl-D) or this is interrupted.");
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}

fn measure(lab: &Lab, time: Duration) -> Result<(), Box<dyn std::error::Error>> {
    for (way, from) in [("guest to host", Side::Guest), ("host to guest", Side::Host)] {
        let trips = measure::round_trips(lab, from, MESSAGE, time)?;
        let gbits = measure::throughput(lab, from, time)? / 1e9;
        println!(
            "{way}: {gbits:.2} Gb/s; {MESSAGE} bytes there and back p50 {:.1} µs, p99 {:.1} µs ({} messages)",
            trips.p50.as_secs_f64() * 1e6,
            trips.p99.as_secs_f64() * 1e6,
            trips.count
        );
    }
    for (way, carried) in ["to the guest", "to the host"].iter().zip(lab.carried().iter().flatten()) {
        println!("relay {way}: {carried:?}");
    }
    Ok(())
}
