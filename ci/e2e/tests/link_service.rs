//! pvgpu-link.exe under Wine: without a driver, as a service, and carrying pvgpukmd.sys, the file, to a daemon across the network.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use pvgpu_e2e::{built, built_image, wait_for};
use pvgpu_xtask::daemon::Daemon;
use pvgpu_xtask::program::Renderer;
use pvgpu_xtask::wine::{Prefix, windows_path};
use pvgpu_xtask::{paths, process};

/// Wine starts, the driver is loaded, a worker opens its GPU: some seconds on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn link_service(prefix: &Prefix, arguments: &[&str]) -> Command {
    let mut command = prefix.wine("");
    command.arg(paths::windows_file("pvgpu-link.exe")).args(arguments).stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\r', "")
}

fn ended(mut command: Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("wine starts");
    (status.code(), text(&stdout), text(&stderr))
}

#[test]
fn without_a_driver_it_says_so_and_fails() {
    built_image();
    let prefix = Prefix::new().expect("a prefix");
    for arguments in [&["--link", "tcp://127.0.0.1:9"][..], &[]] {
        let (code, said, complaint) = ended(link_service(&prefix, arguments));
        assert_eq!((code, said.as_str()), (Some(1), ""), "{complaint}");
        let one_line = complaint.lines().filter(|line| line.starts_with("pvgpu-link: ")).count() == 1;
        assert!(one_line && complaint.contains("there is no pvgpu driver"), "{complaint}");
    }
    let (code, _, complaint) = ended(link_service(&prefix, &["--lnik"]));
    assert_eq!(code, Some(2), "{complaint}");
    assert!(complaint.contains("pvgpu-link --help"), "{complaint}");
    let (code, said, _) = ended(link_service(&prefix, &["--version"]));
    assert_eq!((code, said.trim_end()), (Some(0), concat!("pvgpu-link ", env!("CARGO_PKG_VERSION"))));
    let (code, _, complaint) = ended(link_service(&prefix, &["--pair", "shm:default", "K4WX-7QPA"]));
    assert_eq!(code, Some(1), "{complaint}");
    assert!(complaint.contains("no link to pair over"), "{complaint}");
}

#[test]
fn it_is_made_a_service_and_removed_again() {
    built_image();
    let prefix = Prefix::new().expect("a prefix");
    let (code, _, complaint) = ended(link_service(&prefix, &["--install", "--link", "nonsense"]));
    assert_eq!(code, Some(1), "{complaint}");
    assert!(complaint.contains("\"nonsense\" is no link"), "{complaint}");
    let (code, said, _) = ended(link_service(&prefix, &["--uninstall"]));
    assert_eq!((code, said.as_str()), (Some(0), "there is no service pvgpu-link\n"));

    let install = ["--install", "--link", "tcp://127.0.0.1:9", "--trust-link"];
    let (code, said, complaint) = ended(link_service(&prefix, &install));
    assert_eq!(code, Some(0), "{said}{complaint}");
    assert!(said.contains("the service pvgpu-link is made") && said.contains("it is started"), "{said}");
    let key = r"HKLM\System\CurrentControlSet\Services\pvgpu-link";
    let query = |key: &str, value: &str| {
        let mut query = prefix.wine("");
        query.args(["reg", "query", key, "/v", value]);
        ended(query).1
    };
    let image = query(key, "ImagePath");
    assert!(image.contains("pvgpu-link.exe\""), "{image}");
    let parameters = format!(r"{key}\Parameters");
    let link = query(&parameters, "Link");
    assert!(link.contains("tcp://127.0.0.1:9"), "{link}");
    let trust = query(&parameters, "TrustLink");
    assert!(trust.contains("0x1"), "{trust}");

    // It is patient: without a driver it runs until the service manager ends it.
    let (code, said, complaint) = ended(link_service(&prefix, &["--install"]));
    assert_eq!(code, Some(0), "{said}{complaint}");
    assert!(said.starts_with("the service pvgpu-link is there\n"), "{said}");
    let (code, said, complaint) = ended(link_service(&prefix, &["--uninstall"]));
    assert_eq!(code, Some(0), "{said}{complaint}");
    assert_eq!(said, "the service pvgpu-link is ended\nthe service pvgpu-link is removed\n");
}

/// A program that runs, and what it says.
struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child =
            process::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped())).expect("wine starts");
        let (sender, lines) = channel();
        let outputs: [Box<dyn Read + Send>; 2] =
            [Box::new(child.stdout.take().expect("piped")), Box::new(child.stderr.take().expect("piped"))];
        for output in outputs {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    if sender.send(line.replace('\r', "")).is_err() {
                        return;
                    }
                }
            });
        }
        Self { child, lines }
    }

    /// Waits for a line that contains this.
    fn says(&self, part: &str) -> String {
        let mut before = Vec::new();
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("it never says {part:?}, after {before:#?}"));
            if line.contains(part) {
                return line;
            }
            before.push(line);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        process::end(&mut self.child);
    }
}

/// pvgpu-link.exe with the driver's file behind the entry points that it calls, on a link to a daemon that trusts it.
fn carrying(prefix: &Prefix, daemon: &Daemon) -> Command {
    let thunks = windows_path(&paths::windows_file("d3d11_kernel.dll"));
    let mut command = link_service(prefix, &["--thunks", &thunks, "--link", daemon.link(), "--trust-link"]);
    let image = windows_path(&paths::kernel_file("pvgpukmd.sys"));
    command.env("PVGPU_DRIVER_IMAGE", image).env("PVGPU_INSTALLED", "1");
    command
}

#[test]
fn the_installed_drivers_aperture_goes_to_a_daemon_and_to_the_next_one() {
    built(&Renderer::Pvgpu { link: None });
    built_image();
    let prefix = Prefix::new().expect("a prefix");
    let daemon = Daemon::start_on_network(None, false).expect("pvgpud starts");
    let link = daemon.link().to_owned();
    let service = Running::start(carrying(&prefix, &daemon));
    service.says("attached to the driver, whose aperture has 64 MiB");
    service.says(&format!("the link {link} is up"));
    let carried = |daemon: &Daemon| {
        wait_for("a guest", PATIENCE, || {
            daemon.status()?.guests.into_iter().find(|guest| {
                // The driver's trace records come over the link, too: bytes that it has written into the aperture.
                guest.link_counters.as_ref().is_some_and(|counters| counters.rtt_ns > 0)
            })
        })
    };
    carried(&daemon);

    let address = link.trim_start_matches("tcp://").parse().expect("an address");
    daemon.kill();
    service.says("pvgpu-link: the link is lost: ");
    let daemon =
        Daemon::start_on_cable(address, None).expect("pvgpud starts at the address of the killed one");
    service.says(&format!("the link {link} is up"));
    carried(&daemon);
}

#[test]
fn an_adapter_that_is_stopped_under_it_ends_it_with_a_sentence() {
    built(&Renderer::Pvgpu { link: None });
    built_image();
    let prefix = Prefix::new().expect("a prefix");
    let daemon = Daemon::start_on_network(None, false).expect("pvgpud starts");
    let mut command = carrying(&prefix, &daemon);
    command.env("PVGPU_STOPS", "1");
    let mut service = Running::start(command);
    service.says("pvgpu-link: the driver has taken its aperture back");
    let status = wait_for("its end", PATIENCE, || service.child.try_wait().expect("it was started"));
    assert_eq!(status.code(), Some(1));
    wait_for("the daemon to notice", PATIENCE, || daemon.status()?.guests.is_empty().then_some(()));
}
