//! Plans for machines in every state, and packages among other setup information files.

use std::path::PathBuf;

use pvgpu_inf::package::{Bus, version};

use crate::plan::{Plan, Request, Step, Which, hardware_id, make};
use crate::store::{package_version, published};
use crate::{Device, Error, Failure, Machine, Published, State, run};

/// The package's own INF, in a folder of its own.
struct Package {
    _folder: tempfile::TempDir,
    inf: PathBuf,
}

fn package() -> Package {
    let folder = tempfile::tempdir().expect("a folder");
    let inf = folder.path().join("pvgpu.inf");
    std::fs::write(&inf, pvgpu_inf::text::inf()).expect("a file");
    Package { _folder: folder, inf }
}

fn request(package: &Package, device: Which) -> Request {
    Request::Install { inf: package.inf.clone(), device, force: false, dry_run: false }
}

fn device(instance: &str, bus: Bus, driver: Option<[u16; 4]>) -> Device {
    Device { instance: instance.to_owned(), bus, driver }
}

fn state(published: &[(&str, [u16; 4])], devices: &[Device]) -> State {
    let published = published
        .iter()
        .map(|(name, version)| Published { name: (*name).to_owned(), version: *version })
        .collect();
    State { elevated: true, published, devices: devices.to_vec() }
}

/// A machine that does nothing but remember, and that does what a step says to its state.
#[derive(Default)]
struct Fake {
    state: State,
    taken: Vec<Step>,
    fails_at: Option<usize>,
    restart: bool,
}

impl Machine for Fake {
    fn take(&mut self, step: &Step) -> Result<bool, Failure> {
        if self.fails_at == Some(self.taken.len()) {
            return Err(Failure { code: 0x800b_0109, message: "not trusted\r\n".to_owned() });
        }
        self.taken.push(step.clone());
        let ours = version();
        match step {
            Step::AddDriver { .. } => {
                let name = format!("oem{}.inf", self.state.published.len());
                self.state.published.push(Published { name, version: ours });
            }
            Step::CreateDevice { .. } => {
                self.state.devices.push(device(r"ROOT\DISPLAY\0000", Bus::Root, None))
            }
            Step::UseDriver { hardware_id: id, .. } => {
                for device in self.state.devices.iter_mut().filter(|device| hardware_id(device.bus) == *id) {
                    device.driver = Some(ours);
                }
            }
            Step::RemoveDevice { instance } => {
                self.state.devices.retain(|device| device.instance != *instance)
            }
            Step::DeleteDriver { name } => self.state.published.retain(|published| published.name != *name),
            Step::Rescan => {}
        }
        Ok(self.restart)
    }
}

fn steps(request: &Request, state: &State) -> Vec<String> {
    let plan: Plan = make(request, state).expect("a plan");
    plan.steps
        .iter()
        .map(|step| {
            let name = format!("{step:?}");
            name.split([' ', '{']).next().unwrap_or_default().to_owned()
        })
        .collect()
}

#[test]
fn plans_of_installations() {
    let (package, ours, old) = (package(), version(), [0, 0, 9, 0]);
    let pci = |driver| device(r"PCI\VEN_1AF4&DEV_1110\3&1", Bus::Pci, driver);
    let root = |driver| device(r"ROOT\DISPLAY\0000", Bus::Root, driver);
    let add_create_use = ["AddDriver", "CreateDevice", "UseDriver"].as_slice();
    let add_use = ["AddDriver", "UseDriver"].as_slice();
    for (which, state, wanted) in [
        (Which::Auto, state(&[], &[]), add_create_use),
        (Which::Root, state(&[], &[]), add_create_use),
        (Which::Auto, state(&[], &[pci(None)]), add_use),
        (Which::Pci, state(&[], &[pci(None)]), add_use),
        (Which::Root, state(&[], &[pci(None)]), add_create_use),
        (Which::Auto, state(&[], &[root(None)]), add_use),
        (Which::Auto, state(&[("oem3.inf", ours)], &[root(Some(ours))]), &[]),
        (Which::Auto, state(&[("oem3.inf", ours)], &[pci(Some(ours))]), &[]),
        (Which::Auto, state(&[("oem3.inf", ours)], &[pci(Some(old))]), &["UseDriver"]),
        (Which::Auto, state(&[("oem3.inf", ours)], &[pci(None)]), &["UseDriver"]),
        (Which::Auto, state(&[("oem3.inf", old)], &[pci(Some(old))]), add_use),
        (Which::Auto, state(&[("oem3.inf", ours)], &[pci(Some(ours)), pci(None)]), &["UseDriver"]),
        (Which::Root, state(&[("oem3.inf", ours)], &[pci(Some(ours))]), &["CreateDevice", "UseDriver"]),
    ] {
        assert_eq!(steps(&request(&package, which), &state), wanted, "{which:?} {state:?}");
    }
    let nothing = make(&request(&package, Which::Pci), &state(&[], &[root(None)]));
    assert!(matches!(nothing, Err(Error::Package(text)) if text.contains("no ivshmem device")));
    let force =
        Request::Install { inf: package.inf.clone(), device: Which::Auto, force: true, dry_run: false };
    assert_eq!(steps(&force, &state(&[("oem3.inf", ours)], &[root(Some(ours))])), add_use);
}

#[test]
fn plans_of_removals() {
    let ours = version();
    let pci = |driver| device(r"PCI\VEN_1AF4&DEV_1110\3&1", Bus::Pci, driver);
    let root = device(r"ROOT\DISPLAY\0000", Bus::Root, None);
    let request = Request::Uninstall { dry_run: false };
    for (state, wanted) in [
        (state(&[], &[]), [].as_slice()),
        // A device with somebody else's driver is none of our business.
        (state(&[], &[pci(None)]), &[]),
        (state(&[("oem1.inf", ours)], &[pci(Some(ours))]), &["RemoveDevice", "DeleteDriver", "Rescan"]),
        (
            state(&[("oem1.inf", ours), ("oem2.inf", [0; 4])], &[root]),
            &["RemoveDevice", "DeleteDriver", "DeleteDriver"],
        ),
    ] {
        assert_eq!(steps(&request, &state), wanted, "{state:?}");
    }
}

#[test]
fn a_second_time_nothing_is_left_to_do() {
    let package = package();
    let mut machine = Fake::default();
    let uninstall = Request::Uninstall { dry_run: false };
    for request in [request(&package, Which::Auto), uninstall] {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let before = State { elevated: true, ..machine.state.clone() };
        run(&request, &before, &mut machine, &mut first).expect("it works");
        let taken = machine.taken.len();
        let after = State { elevated: true, ..machine.state.clone() };
        run(&request, &after, &mut machine, &mut second).expect("it works");
        assert_eq!(machine.taken.len(), taken, "{request:?}");
        assert!(String::from_utf8_lossy(&first).contains(" … done"));
        assert!(String::from_utf8_lossy(&second).ends_with("Nothing to do.\n"));
    }
    assert_eq!(machine.state, State::default());
}

#[test]
fn a_dry_run_changes_nothing_and_needs_no_administrator() {
    let package = package();
    let dry = Request::Install { inf: package.inf.clone(), device: Which::Auto, force: false, dry_run: true };
    let (mut machine, mut out) = (Fake::default(), Vec::new());
    run(&dry, &State::default(), &mut machine, &mut out).expect("it works");
    let out = String::from_utf8_lossy(&out).into_owned();
    assert!(machine.taken.is_empty());
    assert!(out.contains("Would do: Create the device ROOT\\PVGPU\n"), "{out}");
    assert!(out.ends_with("An administrator must do it.\n"), "{out}");
}

#[test]
fn failures_are_said_with_what_to_do() {
    let package = package();
    let (mut machine, mut out) = (Fake { fails_at: Some(1), ..Fake::default() }, Vec::new());
    let state = State { elevated: true, ..State::default() };
    let error = run(&request(&package, Which::Auto), &state, &mut machine, &mut out).expect_err("it fails");
    assert_eq!(machine.taken.len(), 1);
    let text = error.to_string();
    assert!(
        text.contains("Create the device")
            && text.contains("0x800b0109")
            && text.contains("TrustedPublisher"),
        "{text}"
    );

    let (mut machine, mut out) = (Fake::default(), Vec::new());
    let error = run(&request(&package, Which::Auto), &State::default(), &mut machine, &mut out);
    assert!(matches!(error, Err(Error::NotElevated)) && machine.taken.is_empty());

    let mut machine = Fake { restart: true, ..Fake::default() };
    run(&request(&package, Which::Auto), &state, &mut machine, &mut out).expect("it works");
    assert!(String::from_utf8_lossy(&out).ends_with("Restart Windows to complete this.\n"));
}

#[test]
fn our_packages_are_found_among_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).expect("a file");
    let ours = pvgpu_inf::text::inf();
    let wide: Vec<u8> =
        std::iter::once(0xfeff).chain(ours.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    write("oem12.inf", ours.as_bytes());
    write("OEM3.INF", &wide);
    write("oem4.inf", ours.replace("Provider = \"pvgpu\"", "Provider = \"Else\"").as_bytes());
    write("oem5.inf", b"[Version\n");
    write("oem6.inf", &[0xff, 0xfe, 0x00]);
    write("oemx.inf", ours.as_bytes());
    write("oem.inf", ours.as_bytes());
    write("display.inf", ours.as_bytes());
    write("oem7.inf", ours.replace(&super::shown(version()), "2.0.0.1").as_bytes());
    let names: Vec<_> = published(folder.path()).into_iter().map(|one| (one.name, one.version)).collect();
    let wanted = [("oem3.inf", version()), ("oem7.inf", [2, 0, 0, 1]), ("oem12.inf", version())];
    assert_eq!(names, wanted.map(|(name, version)| (name.to_owned(), version)));
    assert_eq!(published(&folder.path().join("missing")), []);

    assert_eq!(package_version(&folder.path().join("oem12.inf")), Ok(version()));
    assert!(package_version(&folder.path().join("none.inf")).is_err_and(|text| text.contains("--inf")));
    assert!(
        package_version(&folder.path().join("oem4.inf")).is_err_and(|text| text.contains("not the setup"))
    );
}

#[test]
fn every_kind_of_device_has_an_id() {
    assert_eq!([Bus::Pci, Bus::Root].map(hardware_id), [r"PCI\VEN_1AF4&DEV_1110", r"ROOT\PVGPU"]);
}
