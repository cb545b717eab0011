//! The driver package: what is wrong with it is found, and installing it changes only what is left to change.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::OnceLock;

use pvgpu_xtask::package::{Options, check, folder, task};
use pvgpu_xtask::wine::{Prefix, windows_path};

/// The package, made anew unless `cargo xtask test` has just done so.
fn package() -> PathBuf {
    static MADE: OnceLock<()> = OnceLock::new();
    MADE.get_or_init(|| {
        if std::env::var_os("PVGPU_BUILT").is_none() || !folder().is_dir() {
            let made = task(&Options::default()).expect("the package can be made");
            assert_eq!(made, ExitCode::SUCCESS);
        }
    });
    folder()
}

/// A copy of the package, to be broken. It disappears with this value.
struct Copy(PathBuf);

impl Copy {
    fn of(package: &Path, name: &str) -> Self {
        let copy = Self(package.with_file_name(format!("test-{name}")));
        let _old = fs::remove_dir_all(&copy.0);
        copy_folder(package, &copy.0);
        copy
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn replace_text(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.file(name)).expect("a text");
        assert!(text.contains(from), "{name} holds {from:?}");
        fs::write(self.file(name), text.replace(from, to)).expect("a file");
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _left = fs::remove_dir_all(&self.0);
    }
}

/// Signs a file with the test certificate that signed the package.
fn sign_again(file: &Path) {
    let certificate = folder().with_file_name("certificate");
    let signed = file.with_extension("signed");
    let mut sign = Command::new("osslsigncode");
    sign.args(["sign", "-h", "sha256", "-ph", "-certs"]).arg(certificate.join("test.pem"));
    sign.arg("-key").arg(certificate.join("test.key")).arg("-in").arg(file).arg("-out").arg(&signed);
    let output = sign.output().expect("osslsigncode starts");
    assert!(output.status.success(), "{output:?}");
    fs::rename(signed, file).expect("replaced");
}

/// Breaks a copy of the package.
type Break = fn(&Copy);

fn change(file: &Path, how: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(file).expect("a file");
    how(&mut bytes);
    fs::write(file, bytes).expect("a file");
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("the package").flatten() {
        let place = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &place);
        } else {
            fs::copy(entry.path(), place).expect("a file");
        }
    }
}

#[test]
fn every_way_to_break_the_package_is_found() {
    let package = package();
    check(&package, None).expect("the package itself is right");
    let cases: [(&str, &str, Break); 10] = [
        ("missing", "instead of", |copy| fs::remove_file(copy.file("pvgpuumd32.dll")).expect("removed")),
        ("extra", "instead of", |copy| fs::write(copy.file("other.dll"), b"MZ").expect("written")),
        ("rule", "PnpLockdown is not 1", |copy| {
            copy.replace_text("pvgpu.inf", "PnpLockdown = 1", "PnpLockdown = 0")
        }),
        ("version", "DriverVer is 0.2.0.0", |copy| copy.replace_text("pvgpu.inf", ",0.1.0.0", ",0.2.0.0")),
        ("fact", "SetupAPI", |copy| copy.replace_text("pvgpu.inf", "KEEP%,256", "KEEP%,512")),
        ("comment", "pvgpu.inf: the catalog does not list it", |copy| {
            copy.replace_text("pvgpu.inf", "; Setup information", "; setup information");
        }),
        ("byte", "pvgpukmd.sys: its checksum is not that of its content", |copy| {
            change(&copy.file("pvgpukmd.sys"), |bytes| {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 0x40;
            });
        }),
        ("words", "pvgpukmd.sys: its signature does not hold", |copy| {
            // Two different words in each other's place: the checksum is a sum and stays.
            change(&copy.file("pvgpukmd.sys"), |bytes| {
                let middle = bytes.len() / 4 * 2;
                let differs = |at: &usize| bytes[*at..at + 2] != bytes[middle..middle + 2];
                let other = (0x400..middle).step_by(2).find(differs).expect("not all words are the same");
                for byte in 0..2 {
                    bytes.swap(middle + byte, other + byte);
                }
            });
        }),
        ("signed again", "pvgpuumd.dll: the catalog does not list it", |copy| {
            // A byte of the old DOS program, which nothing reads; the same certificate signs it: only the catalog knows.
            let file = copy.file("pvgpuumd.dll");
            change(&file, |bytes| bytes[0x60] ^= 1);
            sign_again(&file);
        }),
        ("machine", "pvgpuumd32.dll: it is for machine 0x8664", |copy| {
            fs::copy(copy.file("pvgpuumd.dll"), copy.file("pvgpuumd32.dll")).expect("copied");
        }),
    ];
    for (name, words, break_it) in cases {
        let copy = Copy::of(&package, name);
        break_it(&copy);
        match check(&copy.0, None) {
            Ok(report) => panic!("{name}: nothing is found wrong:\n{report}"),
            Err(error) => assert!(error.to_string().contains(words), "{name}: {error}"),
        }
    }
}

/// Runs the package's own program under Wine; returns its exit code and what it said.
fn ctl(prefix: &Prefix, arguments: &[&str]) -> (Option<i32>, String) {
    let mut wine: Command = prefix.wine("");
    wine.arg(folder().join("pvgpu-ctl.exe")).args(arguments);
    let output = wine.output().expect("Wine starts");
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), said.replace('\r', ""))
}

#[test]
fn installing_makes_the_device_once() {
    package();
    let prefix = Prefix::new().expect("a prefix");
    let create = "Create the device ROOT\\PVGPU";

    let (code, said) = ctl(&prefix, &["install", "--dry-run"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&format!("Would do: {create}")), "{said}");
    let (code, said) = ctl(&prefix, &["uninstall", "--dry-run"]);
    assert_eq!(code, Some(0), "a dry run has changed nothing: {said}");
    assert!(said.ends_with("Nothing to do.\n"), "{said}");

    let (code, said) = ctl(&prefix, &["install"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&format!("{create} … done")), "{said}");
    // Wine has no driver store and takes the driver for installed on nothing, so those steps stay. The device is there.
    let (code, said) = ctl(&prefix, &["install"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("ROOT\\DISPLAY\\0000") && !said.contains(create), "{said}");
    let mut query = prefix.wine("");
    query.args(["reg", "query", r"HKLM\System\CurrentControlSet\Enum\ROOT\DISPLAY\0000", "/v", "HardwareID"]);
    let output = query.output().expect("Wine starts");
    assert!(String::from_utf8_lossy(&output.stdout).contains(r"ROOT\PVGPU"), "{output:?}");
    let (_, said) = ctl(&prefix, &["uninstall", "--dry-run"]);
    assert!(said.contains("Would do: Remove the device ROOT\\DISPLAY\\0000"), "{said}");
}

#[test]
fn what_cannot_be_installed_is_said() {
    package();
    let prefix = Prefix::new().expect("a prefix");
    let other = windows_path(&folder().join("INSTALL.md"));
    for (arguments, words) in [
        (["install", "--device", "pci"].as_slice(), "there is no ivshmem device"),
        (&["install", "--inf", "missing.inf"], "there is no missing.inf"),
        (&["install", "--inf", &other], "is not the setup information of a pvgpu package"),
    ] {
        let (code, said) = ctl(&prefix, arguments);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(words), "{said}");
    }
}
