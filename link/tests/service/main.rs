//! The service against a driver and hosts of the tests' own: links that come, go and come back, and answers that make no sense.

mod driver;
mod host;

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use driver::{FakeDriver, Fault};
use host::FakeHost;
use pvgpu_link::{Configured, Connect, Connected, DriverError, Options, Service, Stop, Trouble};
use pvgpu_protocol::aperture::refusal;
use pvgpu_protocol::kernel_interface::kind;
use pvgpu_thunks::NtStatus;
use pvgpu_transport::carrier::Channels;
use pvgpu_transport::guest::ConnectError;
use pvgpu_transport::{LinkError, pipe};

/// TIMEOUT: for what takes some ms; tests fail by it only when something never happens.
const PATIENCE: Duration = Duration::from_secs(20);

/// Pauses that cost a test nothing.
fn options(patient: bool) -> Options {
    Options {
        patient,
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(4),
        host_patience: PATIENCE,
    }
}

/// Hosts that are reached one after the other: each connection's other end goes to the test.
struct Hosts {
    ends: Mutex<Sender<Channels>>,
    /// What the next tries end with instead.
    failures: Mutex<VecDeque<Trouble>>,
}

impl Hosts {
    fn new() -> (Self, Receiver<Channels>) {
        let (sender, receiver) = channel();
        (Self { ends: Mutex::new(sender), failures: Mutex::default() }, receiver)
    }

    fn failing(self, failures: impl IntoIterator<Item = Trouble>) -> Self {
        self.failures.lock().expect("whole").extend(failures);
        self
    }
}

impl Connect for Hosts {
    fn connect(&self) -> Result<Connected, Trouble> {
        if let Some(trouble) = self.failures.lock().expect("whole").pop_front() {
            return Err(trouble);
        }
        let (channels, other) = pipe::pair();
        // A test that is over plays no host any more.
        let _ = self.ends.lock().expect("whole").send(other);
        Ok(Connected { link: "pipe".to_owned(), channels })
    }
}

/// A service that runs, as a test sees it.
struct Running<'t> {
    driver: &'t FakeDriver,
    hosts: Receiver<Channels>,
    events: Receiver<String>,
}

impl Running<'_> {
    /// Waits for the event whose text begins so; gives those before it.
    fn event(&self, begin: &str) -> Vec<String> {
        let mut before = Vec::new();
        loop {
            let text = self.events.recv_timeout(PATIENCE);
            let text = text.unwrap_or_else(|error| panic!("no {begin:?} after {before:?}: {error}"));
            if text.starts_with(begin) {
                return before;
            }
            before.push(text);
        }
    }

    /// Waits until the service has ended by itself.
    fn over(&self) {
        while let Ok(text) = self.events.recv_timeout(PATIENCE) {
            assert!(!text.starts_with("the link pipe is up"));
        }
    }

    /// The other end of the next connection.
    fn channels(&self) -> Channels {
        self.hosts.recv_timeout(PATIENCE).expect("the service connects")
    }

    /// A host at the next connection that is ready.
    fn host(&self) -> FakeHost {
        let host = FakeHost::greet(self.channels());
        host.ready();
        self.event("the link pipe is up");
        host
    }
}

/// Runs a service while `test` runs, stops it, and sees that it has given everything back.
fn serve(
    driver: &FakeDriver,
    hosts: (Hosts, Receiver<Channels>),
    options: Options,
    test: impl FnOnce(&Running<'_>),
) -> Result<(), Trouble> {
    let (connect, hosts) = hosts;
    let stop = Stop::new();
    let (sender, events) = channel();
    let ended = std::thread::scope(|scope| {
        let service = scope.spawn(|| {
            let report = move |event: &pvgpu_link::Event<'_>| {
                let _ = sender.send(event.to_string());
            };
            Service { driver, connect: &connect, stop: &stop, report: &report, options }.run()
        });
        // Asked to end also when the test panics, or the scope would wait for ever.
        let asks = Asks(&stop);
        test(&Running { driver, hosts, events });
        drop(asks);
        service.join().expect("the service does not panic")
    });
    assert_eq!((driver.devices(), driver.attached()), (0, false), "it has left something open");
    ended
}

struct Asks<'s>(&'s Stop);

impl Drop for Asks<'_> {
    fn drop(&mut self) {
        self.0.request();
    }
}

#[test]
fn fences_and_doorbells_go_both_ways() {
    let driver = FakeDriver::new();
    let ended = serve(&driver, Hosts::new(), options(false), |running| {
        let host = running.host();
        assert!(running.driver.attached());
        // The driver rings, the host hears it.
        let word = running.driver.push_ring0(host::RECORD);
        running.driver.set_event();
        assert_eq!(host.next_ring0(), word);
        // The host completes a fence, the driver is kicked and sees it.
        running.driver.arm(1);
        host.complete(1);
        running.driver.wait_completed(1);
        assert_eq!(running.driver.count(kind::LINK_UP), 1);
    });
    assert!(ended.is_ok());
    assert_eq!((driver.count(kind::ATTACH_LINK), driver.count(kind::DETACH_LINK)), (1, 1));
}

#[test]
fn a_lost_host_is_told_to_the_driver_and_the_next_one_gets_a_fresh_hello() {
    let driver = FakeDriver::new();
    let ended = serve(&driver, Hosts::new(), options(false), |running| {
        for round in 1..4 {
            let host = running.host();
            running.driver.arm(7);
            host.complete(7);
            running.driver.wait_completed(7);
            host.end("the test pulls the cable");
            let before = running.event("the link is lost: ");
            assert!(before.is_empty(), "{before:?}");
            running.driver.wait_count(kind::DETACH_LINK, round);
        }
    });
    assert!(ended.is_ok());
    assert_eq!(driver.hellos(), driver.count(kind::ATTACH_LINK), "each attachment has a hello of its own");
}

#[test]
fn a_host_that_goes_without_a_word_is_noticed() {
    let driver = FakeDriver::new();
    let ended = serve(&driver, Hosts::new(), options(false), |running| {
        let host = running.host();
        host.abandon();
        running.event("the link is lost: ");
        running.host();
    });
    assert!(ended.is_ok());
}

#[test]
fn a_refusal_is_told_and_left_for_the_driver_to_read() {
    let driver = FakeDriver::new();
    let ended = serve(&driver, Hosts::new(), options(false), |running| {
        FakeHost::refuse(running.channels(), refusal::TOO_MANY_GUESTS, "this host is full");
        running.event("the host refused this guest: the host has ended the link: this host is full");
        running.driver.wait_count(kind::DETACH_LINK, 1);
        // The driver was made to look, though there was nothing to be up.
        assert_eq!(running.driver.count(kind::LINK_UP), 1);
        assert_eq!(running.driver.last_refusal(), refusal::TOO_MANY_GUESTS);
        running.host();
    });
    assert!(ended.is_ok());
}

#[test]
fn a_host_that_closes_before_it_answers_is_tried_again() {
    let driver = FakeDriver::new();
    let ended = serve(&driver, Hosts::new(), options(false), |running| {
        drop(running.channels());
        running.event("the link ended before the host had answered: ");
        running.host();
    });
    assert!(ended.is_ok());
}

#[test]
fn a_host_that_says_nothing_is_given_up() {
    let driver = FakeDriver::new();
    let impatient = Options { host_patience: Duration::ZERO, ..options(false) };
    let ended = serve(&driver, Hosts::new(), impatient, |running| {
        let _silent = FakeHost::greet(running.channels());
        running.event("the host did not answer within ");
        running.driver.wait_count(kind::DETACH_LINK, 1);
    });
    assert!(ended.is_ok());
}

#[test]
fn a_driver_that_gives_the_host_up_begins_anew() {
    let driver = FakeDriver::new();
    let ended = serve(&driver, Hosts::new(), options(false), |running| {
        let _host = running.host();
        running.driver.withdraw_hello();
        running.event("the driver has given the host up");
        running.host();
    });
    assert!(ended.is_ok());
}

#[test]
fn a_driver_that_does_not_take_the_answer_is_told_so() {
    let driver = FakeDriver::new();
    driver.fault(kind::LINK_UP, Fault::Status(NtStatus::DEVICE_NOT_READY), 1);
    let ended = serve(&driver, Hosts::new(), options(false), |running| {
        let host = FakeHost::greet(running.channels());
        host.ready();
        running.event("the driver does not take the host's answer: the device is not ready (0xC00000A3)");
        running.host();
    });
    assert!(ended.is_ok());
}

#[test]
fn a_driver_that_ends_the_attachment_is_opened_again() {
    let driver = FakeDriver::new();
    let ended = serve(&driver, Hosts::new(), options(false), |running| {
        let host = running.host();
        running.driver.fault(kind::LINK_KICK, Fault::Status(NtStatus::ACCESS_DENIED), 1);
        running.driver.arm(1);
        host.complete(1);
        running.event("the driver has ended the link: access is denied");
        running.host();
    });
    assert!(ended.is_ok());
}

#[test]
fn a_driver_that_goes_while_nobody_is_reached_is_opened_again() {
    let driver = FakeDriver::new();
    driver.fault(kind::LINK_KICK, Fault::Status(NtStatus::ACCESS_DENIED), 1);
    let ended = serve(&driver, Hosts::new(), options(false), |running| {
        running.event("the driver has ended the link");
        // The connection that was made for it is not used.
        drop(running.channels());
        running.host();
    });
    assert!(ended.is_ok());
}

#[test]
fn answers_that_make_no_sense_end_the_attachment_and_nothing_else() {
    let driver = FakeDriver::new();
    let cases = [
        (Fault::Address(0), "the driver's answer makes no sense: "),
        (Fault::Address(0x1008), "the driver's answer makes no sense: 67108864 bytes at address 0x1008"),
        (Fault::Bytes(0), "the driver's answer makes no sense: 0 bytes"),
        (Fault::Bytes(u64::MAX), "the driver's answer makes no sense: "),
        (Fault::Bytes(8192), "the aperture cannot be mirrored: "),
        (Fault::Kind(3), "the driver's answer makes no sense: private data of kind 3"),
        (Fault::NoHello, "the aperture cannot be mirrored: the aperture has no hello"),
        (Fault::LeftOver, "the driver has not begun anew"),
        (
            Fault::Status(NtStatus::NO_MEMORY),
            "the driver does not let the aperture be mapped: there is no memory left",
        ),
    ];
    for (fault, text) in cases {
        driver.fault(kind::ATTACH_LINK, fault, 1);
        let ended = serve(&driver, Hosts::new(), options(false), |running| {
            running.event(text);
            // Whoever was connected in vain is not used again.
            let host = loop {
                let channels = running.channels();
                if let Some(host) = FakeHost::try_greet(channels) {
                    break host;
                }
            };
            host.ready();
            running.event("the link pipe is up");
        });
        assert!(ended.is_ok(), "{fault:?}");
    }
}

#[test]
fn a_busy_driver_is_waited_for() {
    let driver = FakeDriver::new();
    driver.fault(kind::ATTACH_LINK, Fault::Status(NtStatus::DEVICE_BUSY), 3);
    let ended = serve(&driver, Hosts::new(), options(false), |running| {
        running.host();
    });
    assert!(ended.is_ok());
    assert_eq!(driver.count(kind::ATTACH_LINK), 4);
}

#[test]
fn what_only_a_person_can_change_ends_a_service_that_is_watched() {
    let driver = FakeDriver::new();
    driver.refuse_to_open(DriverError::NotInstalled { others: 2 }, 1);
    let ended = serve(&driver, Hosts::new(), options(false), |running| running.over());
    let text = ended.expect_err("there is no driver").to_string();
    assert!(text.starts_with("there is no pvgpu driver") && text.contains("(2)"), "{text}");

    driver.fault(kind::ATTACH_LINK, Fault::Status(NtStatus::PRIVILEGE_NOT_HELD), 1);
    let ended = serve(&driver, Hosts::new(), options(false), |running| running.over());
    assert!(ended.expect_err("no privilege").to_string().contains("administrator"));

    let (hosts, ends) = Hosts::new();
    let ended =
        serve(&driver, (hosts.failing([Trouble::NoLink]), ends), options(false), |running| running.over());
    assert!(ended.expect_err("no link").to_string().contains("--link tcp://HOST:PORT"));
}

#[test]
fn a_patient_service_waits_for_driver_configuration_and_host() {
    let driver = FakeDriver::new();
    driver.refuse_to_open(DriverError::NotInstalled { others: 0 }, 3);
    let connect = |text: &str| Trouble::Connect {
        link: "tcp://box:7777".to_owned(),
        error: ConnectError::Link(Box::new(LinkError::Scheme { address: text.to_owned() })),
    };
    let failures = [Trouble::NoLink, Trouble::NoLink, connect("a"), connect("a"), connect("b")];
    let (hosts, ends) = Hosts::new();
    let ended = serve(&driver, (hosts.failing(failures), ends), options(true), |running| {
        let host = FakeHost::greet(running.channels());
        host.ready();
        let before = running.event("the link pipe is up");
        // Each trouble was told once in a row.
        let begins =
            ["there is no pvgpu driver", "attached to the driver", "nobody has said", "\"a\"", "\"b\""];
        assert_eq!(before.len(), begins.len(), "{before:?}");
        for (text, begin) in before.iter().zip(begins) {
            assert!(text.starts_with(begin), "{text}");
        }
    });
    assert!(ended.is_ok());
}

#[test]
fn the_end_is_asked_for_in_every_state() {
    // Before a driver is there, before a host is, before it answers, and while the link is up.
    let driver = FakeDriver::new();
    driver.refuse_to_open(DriverError::NotInstalled { others: 0 }, u32::MAX);
    let ended = serve(&driver, Hosts::new(), options(true), |running| {
        running.event("there is no pvgpu driver");
    });
    assert!(ended.is_ok());
    driver.refuse_to_open(DriverError::NotInstalled { others: 0 }, 0);
    let (hosts, ends) = Hosts::new();
    let hosts = hosts.failing((0..100_000).map(|_| Trouble::NoLink));
    let ended = serve(&driver, (hosts, ends), options(true), |running| {
        running.event("nobody has said");
    });
    assert!(ended.is_ok());
    let ended = serve(&driver, Hosts::new(), options(true), |running| {
        let _silent = FakeHost::greet(running.channels());
    });
    assert!(ended.is_ok());
    let ended = serve(&driver, Hosts::new(), options(true), |running| {
        let _host = running.host();
    });
    assert!(ended.is_ok());
}

#[test]
fn the_configuration_is_read_at_each_try() {
    let folder = std::env::temp_dir();
    let says = |option: Option<&str>, registry: Option<&'static str>| {
        let configured = Configured {
            option: option.map(str::to_owned),
            registry: Box::new(move || registry.map(str::to_owned)),
            keys: folder.clone(),
            trust_link: true,
        };
        configured.connect().expect_err("nobody is there")
    };
    // The tests' machine has no configuration of its own, or these would reach it.
    assert!(matches!(says(Some("nonsense"), None), Trouble::Link(_)));
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
    let nobody = says(Some(&format!("tcp://{free}")), Some("nonsense"));
    assert!(nobody.to_string().contains("start the host with") && !nobody.is_final(), "{nobody}");
    let here = says(Some("shm:default"), None);
    assert!(here.to_string().contains("does not lead to another machine") && here.is_final(), "{here}");
}
