//! The committed `pvgpu.inf` is what the table says. To renew it after a change of the table: `PVGPU_BLESS=1`.

use std::path::Path;

use pvgpu_inf::parse::Inf;
use pvgpu_inf::{package, text};

#[test]
fn the_committed_file_is_the_generated_one() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(package::INF);
    let wanted = text::inf();
    if std::env::var_os("PVGPU_BLESS").is_some() {
        std::fs::write(&file, &wanted).expect("the file can be written");
    }
    // A checkout may have changed the line ends.
    let found = std::fs::read_to_string(&file).expect("inf/pvgpu.inf is there").replace("\r\n", "\n");
    assert_eq!(found, wanted.replace("\r\n", "\n"), "run this test with PVGPU_BLESS=1");
}

#[test]
fn the_file_says_what_the_table_says() {
    let inf = Inf::parse(&text::inf()).expect("the file is legal");
    let version = inf.entry("Version", "DriverVer").map(|entry| entry.field(1).to_owned());
    assert_eq!(version, Some(package::version_text()));
    let files: Vec<_> =
        inf.entries("SourceDisksFiles").iter().filter_map(|entry| entry.key.clone()).collect();
    assert_eq!(files, package::FILES);
    for device in package::DEVICES {
        let models = inf.entries("Models.NTamd64.10.0...19041");
        assert!(
            models.iter().any(|entry| entry.fields == [device.section, device.hardware_id]),
            "{device:?}"
        );
    }
    for setting in package::SETTINGS {
        let found = inf.entries("Driver.Settings").iter().find(|entry| entry.field(2) == setting.name);
        assert_eq!(
            found.map(|entry| entry.field(4)),
            Some(setting.default.to_string().as_str()),
            "{setting:?}"
        );
    }
}
