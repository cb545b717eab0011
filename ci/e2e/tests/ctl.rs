//! pvgpu-ctl on both machines: pvgpu-ctl.exe asks pvgpukmd.sys, the file, through its escapes; pvgpu-ctl asks pvgpud.

use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use pvgpu_e2e::{built, built_image, wait_for};
use pvgpu_xtask::daemon::Daemon;
use pvgpu_xtask::program::Renderer;
use pvgpu_xtask::wine::{Prefix, windows_path};
use pvgpu_xtask::{paths, process};
use serde_json::Value;

/// Wine starts, the driver is loaded, a worker opens its GPU: some seconds on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A prefix, a daemon, and what connects them.
struct Machines {
    // Dropped first: its processes are guests of the daemon.
    prefix: Prefix,
    daemon: Daemon,
}

impl Machines {
    fn new() -> Self {
        built(&Renderer::Pvgpu { link: None });
        built_image();
        Self {
            prefix: Prefix::new().expect("a prefix"),
            daemon: Daemon::start(false).expect("pvgpud starts"),
        }
    }

    /// pvgpu-ctl.exe, with the driver's image behind the entry points that it calls.
    fn on_windows(&self, arguments: &[&str]) -> Command {
        let mut command = self.prefix.wine("");
        let image = windows_path(&paths::kernel_file("pvgpukmd.sys"));
        command.env("PVGPU_LINK", self.daemon.link()).env("PVGPU_DRIVER_IMAGE", image);
        command.arg(paths::windows_file("pvgpu-ctl.exe"));
        command.args(["--thunks", &windows_path(&paths::windows_file("d3d11_kernel.dll"))]);
        command.args(arguments).stdin(Stdio::null());
        command
    }

    /// pvgpu-ctl on the host.
    fn on_host(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(paths::host_program("pvgpu-ctl"));
        command.args(["--link", self.daemon.link()]).args(arguments).output().expect("pvgpu-ctl starts")
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\r', "")
}

fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
}

#[test]
fn the_driver_tells_its_state_and_refuses_modes_that_it_has_no_memory_for() {
    let machines = Machines::new();
    let output = machines.on_windows(&["status", "--json"]).output().expect("wine starts");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let status = json(text(&output.stdout).trim());
    let adapter = &status["adapters"][0];
    assert_eq!(adapter["state"], "running", "{status}");
    assert_eq!(adapter["device"], "ROOT\\PVGPU", "{status}");
    assert_eq!(adapter["link_attached"], true, "{status}");
    assert_eq!(adapter["abi_version"], 2, "{status}");
    let gpu = machines.daemon.status().expect("pvgpud answers").gpu.name;
    assert_eq!(adapter["gpu"], gpu, "{status}");
    assert_eq!(adapter["aperture_bytes"], 256 << 20, "{status}");
    assert!(adapter["counters"]["escapes"].as_u64() > Some(0), "{status}");

    let page = machines.on_windows(&["status"]).output().expect("wine starts");
    let page = text(&page.stdout);
    assert!(page.starts_with("adapter   0: ROOT\\PVGPU, driver ") && page.contains(&gpu), "{page}");

    // An adapter of one program has no desktop: no mode fits.
    let refused = machines.on_windows(&["mode", "1920x1080@75"]).output().expect("wine starts");
    let complaint = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{complaint}");
    assert!(complaint.starts_with("pvgpu-ctl: ") && complaint.contains("1920x1080@75"), "{complaint}");
    let taken = machines.on_windows(&["mode", "auto"]).output().expect("wine starts");
    assert!(taken.status.success(), "{}", text(&taken.stderr));
}

#[test]
fn what_the_host_asks_for_is_in_the_drivers_records() {
    let machines = Machines::new();
    let nobody = machines.on_host(&["mode", "1280x720"]);
    assert_eq!(
        (nobody.status.code(), text(&nobody.stderr).as_str()),
        (Some(1), "pvgpu-ctl: no guest is connected\n")
    );

    // The process that reads the records is the guest.
    let mut tail = machines.on_windows(&["tail", "--json"]);
    let mut tail = process::spawn(tail.stdout(Stdio::piped())).expect("wine starts");
    let records = lines(tail.stdout.take().expect("piped"));
    let next = |code: &str| {
        wait_for(code, PATIENCE, || {
            let line = records.recv_timeout(PATIENCE).expect("tail goes on");
            Some(json(line.trim())).filter(|record| record["code"] == code)
        })
    };
    let started = next("ADAPTER_STARTED");
    assert_eq!((&started["source"], &started["area"]), (&"driver".into(), &"adapter".into()));
    assert_eq!(started["args"][0], 256 << 20);
    wait_for("the guest", PATIENCE, || machines.daemon.status()?.guests.pop());

    let asked = machines.on_host(&["mode", "2560x1440@119.88"]);
    assert!(asked.status.success(), "{}", text(&asked.stderr));
    assert!(
        text(&asked.stdout).ends_with(" is asked to offer 2560x1440@119.880\n"),
        "{}",
        text(&asked.stdout)
    );
    let requested = next("MODE_REQUESTED");
    assert_eq!(requested["args"], serde_json::json!([2560, 1440, 119_880, 0]));
    let page = text(&machines.on_host(&["status"]).stdout);
    assert!(page.contains("2560x1440@119.880"), "{page}");

    let none = machines.on_host(&["screenshot", "/nowhere/a.png"]);
    assert!(text(&none.stderr).contains("shows no screen"), "{}", text(&none.stderr));
    process::end(&mut tail);
}

/// A thread reads lines, so that waiting for one can end.
fn lines(output: std::process::ChildStdout) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
