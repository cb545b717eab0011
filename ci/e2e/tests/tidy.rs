//! House rules that a compiler does not check: headers, sizes, where `unsafe` may stand, what may depend on what.
//!
//! Each rule is stated in ARCHITECTURE.md. A failure names the file and the rule.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file longer than this is to be split by object or by phase. Tests in files of their own do not count.
const MAX_LINES: usize = 1000;

/// Folders whose modules may opt in to `unsafe`, each at the edge to something that is unsafe by nature.
const UNSAFE_ALLOWED: &[&str] = &[
    // Maps memory.
    "transport/src/mapping.rs",
    // Windows' list of network adapters.
    "transport/src/thunderbolt/windows.rs",
    // The C interfaces between runtime, drivers and kernel.
    "kmd/wddm/src/",
    // The driver's image: NT's functions, assembly, what the linker looks for.
    "kmd/sys/src/",
    "umd/src/ffi/",
    "umd/benches/",
    "runtime/dxgkrnl/src/ffi/",
    // The model of NT and of dxgkrnl: the driver passes and gets pointers.
    "runtime/dxgkrnl/src/nt/",
    "runtime/dxgkrnl/src/port/",
    "runtime/dxgkrnl/src/strict/",
    "runtime/dxgkrnl/src/load.rs",
    "ci/kernel/src/",
    // Vulkan, and the peers that shaders are compared with.
    "ci/dxbc/src/",
    // SPIRV-Tools' validator, by hand only.
    "fuzz/examples/validate.rs",
    // The driver's mapping of the aperture.
    "link/src/attached.rs",
    "link/src/driver.rs",
    // Events, services and the registry of Windows.
    "link/service/src/windows/",
    // Display drivers' entry points.
    "ctl/thunks/src/",
    // COM and Win32.
    "runtime/interfaces/src/",
    "runtime/d3d11/src/",
    "runtime/dxgi/src/",
    "samples/",
    // Memory for the driver's image, its faults, calls into it.
    "ci/loader/src/memory/",
    "ci/loader/src/fault/",
    "ci/loader/src/bin/",
    "ci/kernel-road/src/",
    // VFIO's ioctls.
    "ci/vm/src/vfio.rs",
    "ci/shots/",
    "ci/fxc/",
    "ci/d3d-rules/",
    "ci/draw-bench/",
    "ci/dxgi-rules/",
    "ci/golden/src/kit/",
    "ci/inf-probe/",
    // Linux's TUN devices.
    "ci/netlab/src/tun.rs",
    // Windows' setup functions.
    "ctl/install/src/windows/",
    // Vulkan and Linux.
    "host-backend/src/vulkan/",
    "host-backend/src/sys/",
];

/// Crates that must hold no `unsafe` at all and say so themselves.
const FORBIDS_UNSAFE: &[&str] = &[
    "protocol/src/lib.rs",
    "ring/src/lib.rs",
    "dxbc/src/lib.rs",
    "ctl/src/main.rs",
    "kmd/src/lib.rs",
    "kmd/ddi/src/lib.rs",
    "inf/src/lib.rs",
    "inf/catalog/src/lib.rs",
    "inf/version/src/lib.rs",
    "host-backend/control/src/lib.rs",
];

/// What each crate may depend on among ours, directly. A new arrow is a change of the architecture page as well.
const ALLOWED: &[(&str, &[&str])] = &[
    ("pvgpu-protocol", &[]),
    ("pvgpu-ring", &[]),
    ("pvgpu-dxbc", &[]),
    ("pvgpu-control", &["pvgpu-protocol"]),
    ("pvgpu-thunks", &[]),
    ("pvgpu-umd-ddi", &[]),
    ("pvgpu-interfaces", &[]),
    ("pvgpu-inf", &[]),
    ("pvgpu-catalog", &[]),
    ("pvgpu-version", &[]),
    ("pvgpu-install", &["pvgpu-inf"]),
    ("pvgpu-transport", &["pvgpu-protocol", "pvgpu-ring"]),
    ("pvgpu-kmd", &["pvgpu-protocol", "pvgpu-ring"]),
    ("pvgpu-kmd-ddi", &[]),
    ("pvgpu-kmd-wddm", &["pvgpu-kmd", "pvgpu-kmd-ddi", "pvgpu-protocol", "pvgpu-ring"]),
    ("pvgpu-kmd-sys", &["pvgpu-kmd-ddi", "pvgpu-kmd-wddm"]),
    ("pvgpu-loader", &[]),
    ("pvgpu-umd", &["pvgpu-protocol", "pvgpu-ring", "pvgpu-umd-ddi"]),
    (
        "pvgpu-dxgkrnl",
        &[
            "pvgpu-kmd",
            "pvgpu-kmd-ddi",
            "pvgpu-kmd-wddm",
            "pvgpu-link",
            "pvgpu-protocol",
            "pvgpu-ring",
            "pvgpu-transport",
            "pvgpu-umd-ddi",
        ],
    ),
    ("pvgpu-link", &["pvgpu-protocol", "pvgpu-ring", "pvgpu-thunks", "pvgpu-transport"]),
    ("pvgpu-link-service", &["pvgpu-inf", "pvgpu-link", "pvgpu-protocol", "pvgpu-thunks", "pvgpu-transport"]),
    (
        "pvgpu-ctl",
        &["pvgpu-control", "pvgpu-inf", "pvgpu-install", "pvgpu-protocol", "pvgpu-thunks", "pvgpu-transport"],
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every Rust file that git knows or would know, with its text.
fn sources() -> Vec<(String, String)> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "*.rs"])
        .current_dir(root())
        .output()
        .expect("git lists the files");
    let list = String::from_utf8(output.stdout).expect("paths are UTF-8");
    let read = |path: &str| Some((path.to_owned(), std::fs::read_to_string(root().join(path)).ok()?));
    let sources: Vec<_> = list.lines().filter_map(read).collect();
    assert!(sources.len() > 50, "only {} source files found", sources.len());
    sources
}

/// Fails with one line per offender.
fn none(rule: &str, offenders: &[String]) {
    assert!(offenders.is_empty(), "{rule}:\n  {}", offenders.join("\n  "));
}

#[test]
fn every_file_says_first_what_it_is() {
    let bare = |text: &str| !text.starts_with("//! ") && !text.starts_with("#![cfg(");
    let offenders: Vec<_> =
        sources().iter().filter(|(_, text)| bare(text)).map(|(path, _)| path.clone()).collect();
    none("these files do not begin with a `//!` sentence", &offenders);
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let is_test = |path: &str| path.contains("/tests/") || path.ends_with("tests.rs");
    let long = |(path, text): &(String, String)| {
        let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or(text);
        let lines = code.lines().count();
        (!is_test(path) && lines > MAX_LINES).then(|| format!("{path}: {lines} lines"))
    };
    none("these files are to be split", &sources().iter().filter_map(long).collect::<Vec<_>>());
}

#[test]
fn unsafe_stands_only_at_the_edges() {
    let mut offenders = Vec::new();
    for (path, text) in sources() {
        // Tests call the same C interfaces as what they test.
        let opts_in = !path.contains("/tests/")
            && (text.contains("expect(unsafe_code") || text.contains("allow(unsafe_code"));
        if opts_in && !UNSAFE_ALLOWED.iter().any(|allowed| path.starts_with(allowed)) {
            offenders.push(path);
        }
    }
    none("these files opt in to unsafe code and are no edge", &offenders);
    let forgotten: Vec<_> = FORBIDS_UNSAFE
        .iter()
        .filter(|path| {
            !std::fs::read_to_string(root().join(path))
                .is_ok_and(|text| text.contains("#![forbid(unsafe_code)]"))
        })
        .map(|path| (*path).to_owned())
        .collect();
    none("these crates must forbid unsafe code", &forgotten);
}

#[test]
fn nothing_is_left_unfinished() {
    // Built from pieces, so that this file does not find itself.
    let marks = [["to", "do!("].concat(), ["unimple", "mented!("].concat(), ["#[ig", "nore"].concat()];
    let mut offenders = Vec::new();
    for (path, text) in sources() {
        for mark in &marks {
            if text.contains(mark.as_str()) {
                offenders.push(format!("{path}: {mark}"));
            }
        }
    }
    none("these files hold unfinished work", &offenders);
}

/// Crate names and the crates of ours that they name as normal dependencies.
fn graph() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo describes the workspace");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let name = |value: &serde_json::Value| value["name"].as_str().unwrap_or_default().to_owned();
    let ours: BTreeSet<String> = packages.iter().map(name).collect();
    let dependencies = |package: &serde_json::Value| {
        let all = package["dependencies"].as_array().cloned().unwrap_or_default();
        all.iter().filter(|one| one["kind"].is_null()).map(name).filter(|name| ours.contains(name)).collect()
    };
    packages.iter().map(|package| (name(package), dependencies(package))).collect()
}

#[test]
fn crates_know_only_what_they_may() {
    let graph = graph();
    let mut offenders = Vec::new();
    for (name, allowed) in ALLOWED {
        let Some(actual) = graph.get(*name) else {
            offenders.push(format!("{name} is no crate of the workspace"));
            continue;
        };
        for dependency in actual.iter().filter(|dependency| !allowed.contains(&dependency.as_str())) {
            offenders.push(format!("{name} may not know {dependency}"));
        }
    }
    none("the crate graph breaks ARCHITECTURE.md", &offenders);
}

#[test]
fn the_architecture_page_names_every_crate_and_only_what_exists() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the page is there");
    assert!(page.lines().count() <= 400, "ARCHITECTURE.md has more than 400 lines");
    let missing: Vec<_> = graph().into_keys().filter(|name| !page.contains(name.as_str())).collect();
    none("ARCHITECTURE.md does not name these crates", &missing);
    let quoted = page.split('`').skip(1).step_by(2);
    let is_path = |text: &&str| text.contains('/') && text.ends_with(".rs") && !text.contains(' ');
    let gone: Vec<_> =
        quoted.filter(is_path).filter(|path| !root().join(path).exists()).map(str::to_owned).collect();
    none("ARCHITECTURE.md names files that do not exist", &gone);
}
