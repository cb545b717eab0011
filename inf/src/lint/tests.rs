//! One broken file for each rule; the real one breaks none.

use super::{Rule, check};
use crate::text::inf;

/// What is changed in the real file (everything up to a bar is replaced by what follows), and the rule that this breaks.
const BROKEN: &[(Rule, &str, &str)] = &[
    (Rule::Syntax, "[Driver.Files]", "[Driver.Files"),
    (Rule::Syntax, "Provider = \"pvgpu\"", "Provider = \"pvgpu"),
    (Rule::Encoding, "Disk = \"pvgpu driver package\"", "Disk = \"pvgpu für alle\""),
    (Rule::Signature, "$WINDOWS NT$", "$Windows 95$"),
    (Rule::Signature, "Signature = \"$WINDOWS NT$\"", ""),
    (Rule::Class, "Class = Display", "Class = Net"),
    (Rule::Class, "4D36E968", "4D36E972"),
    (Rule::Provider, "Provider = \"pvgpu\"", "Provider = \"Microsoft\""),
    (Rule::Provider, "Provider = %Provider%", ""),
    (Rule::Catalog, "CatalogFile = pvgpu.cat", ""),
    (Rule::Catalog, "CatalogFile = pvgpu.cat", "CatalogFile = pvgpu.dll"),
    (Rule::DriverVer, ",0.1.0.0", ",0.1.0"),
    (Rule::DriverVer, ",0.1.0.0", ",0.1.0.70000"),
    (Rule::DriverVer, "11/21/2026", "21/11/2026"),
    (Rule::DriverVer, "DriverVer = ", "; "),
    (Rule::Lockdown, "PnpLockdown = 1", "PnpLockdown = 0"),
    (Rule::Lockdown, "PnpLockdown = 1", ""),
    (Rule::SectionExists, "[Driver.Settings]", "[Driver.Setting]"),
    (Rule::SectionExists, "CopyFiles = Driver.Files", "CopyFiles = pvgpukmd.sys"),
    (Rule::SectionExists, "= Models,", "= Model,"),
    (Rule::SectionExists, "= Root,ROOT", "= Roots,ROOT"),
    (Rule::SectionUsed, "[Driver.Files]", "[Forgotten]\nx = 1\n[Driver.Files]"),
    (Rule::SectionOnce, "AddReg = Driver.Settings", "AddReg = Driver.Settings,Driver.Files"),
    (Rule::DefaultInstall, "[Driver.Files]", "[DefaultInstall]\nCopyFiles = Driver.Files\n[Driver.Files]"),
    (Rule::Needs, "[Root.Services]", "[Root.Services]\nNeeds = Other.Services"),
    (Rule::Needs, "[Root.Services]", "[Root.Services]\nInclude = other.inf\nNeeds = Other"),
    (Rule::StringDefined, "%Disk%", "%Disc%"),
    (Rule::StringDefined, "%13%\\pvgpukmd.sys", "%SystemRoot%\\pvgpukmd.sys"),
    (Rule::StringDefined, "DisplayName = %Service%", "DisplayName = 100%"),
    (Rule::StringUsed, "[Strings]", "[Strings]\nNobody = \"needs this\""),
    (Rule::ClassInstall, "[Driver.Files]", "[ClassInstall32]\nAddReg = Driver.Settings\n[Driver.Files]"),
    (Rule::Devices, "[Manufacturer]", "[NoManufacturer]"),
    (Rule::HardwareIds, r"ROOT\PVGPU", "PVGPU"),
    (Rule::HardwareIds, r"ROOT\PVGPU", r"PCI\VEN_1AF4&DEV_1110"),
    (Rule::Service, "[Root.Services]", "[Root.Service]"),
    (Rule::Service, "SPSVCINST_ASSOCSERVICE = 0x00000002", "SPSVCINST_ASSOCSERVICE = 0x00000000"),
    (Rule::ServiceComplete, "StartType =", "Start ="),
    (Rule::Legacy, "[Root.Services]", "[Root.CoInstallers]\nAddReg = Driver.Settings\n[Root.Services]"),
    (Rule::Legacy, "[Root]", "[Root]\nLogConfig = Driver.Files"),
    (Rule::Legacy, "[Root]", "[Root]\nDelFiles = Driver.Files"),
    (Rule::Legacy, "[Root.Services]", "[Root.Services]\nDelService = other"),
    (Rule::CoInstallers, "HKR,,LogLevel,%REG_DWORD_KEEP%,2", "HKR,,CoInstallers32,%REG_MULTI_SZ%,\"x.dll\""),
    (Rule::RelativeKeys, "HKR,,LogLevel", "HKLM,Software\\pvgpu,LogLevel"),
    (Rule::ServicesKey, "HKR,,LogLevel", "HKLM,System\\CurrentControlSet\\Services\\pvgpukmd,LogLevel"),
    (Rule::AppendedList, "REG_MULTI_SZ = 0x00010000", "REG_MULTI_SZ = 0x00010008"),
    (Rule::SourceFile, "pvgpuumd.dll = 1", "pvgpuumd64.dll = 1"),
    (Rule::SourceFile, "pvgpuumd.dll = 1", "pvgpuumd.dll = 2"),
    (Rule::SourceUsed, "pvgpuumd.dll = 1", "pvgpuumd.dll = 1\nreadme.txt = 1"),
    (Rule::DriverStore, "DefaultDestDir = 13", "DefaultDestDir = 12"),
    (Rule::DriverStore, "DefaultDestDir = 13", "Driver.Files = 13"),
    (Rule::DriverStore, "ServiceBinary = %13%\\", "ServiceBinary = %12%\\"),
    (Rule::SameName, "DefaultDestDir = 13", "DefaultDestDir = 13,x64"),
    (Rule::SameName, "[Driver.Files]\r\npvgpukmd.sys", "[Driver.Files]\r\ndriver.sys,pvgpukmd.sys"),
    (Rule::TargetVersion, "...19041", "...14393"),
    (Rule::TargetVersion, ".10.0...19041", ""),
    (
        Rule::Conflicts,
        "HKR,,LogLevel,%REG_DWORD_KEEP%,2",
        "HKR,,LogLevel,%REG_DWORD_KEEP%,2\nHKR,,LogLevel,%REG_DWORD%,3",
    ),
    (Rule::Conflicts, "[Driver.Files]", "[Driver.Files]\npvgpukmd.sys,pvgpuumd.dll"),
    (Rule::FeatureScore, "FeatureScore = F8", ""),
    (Rule::FeatureScore, "FeatureScore = F8", "FeatureScore = 248"),
    (Rule::UserDrivers, "HKR,,UserModeDriverNameWow,", "HKR,,UserModeDriverName32,"),
    (
        Rule::UserDrivers,
        "UserModeDriverName,%REG_MULTI_SZ%,\"%13%\\pvgpuumd.dll\",",
        "UserModeDriverName,%REG_MULTI_SZ%,",
    ),
    (Rule::UserDrivers, "\"%13%\\pvgpuumd.dll\"", "pvgpuumd.dll"),
    (Rule::UserDrivers, "\"%13%\\pvgpuumd.dll\"", "\"%13%\\other.dll\""),
    (Rule::InstalledDrivers, ",pvgpuumd,pvgpuumd32", ",pvgpuumd"),
];

#[test]
fn our_own_file_keeps_every_rule() {
    let findings: Vec<_> = check(&inf()).iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn each_broken_file_is_caught_by_its_rule() {
    for (rule, from, to) in BROKEN {
        let original = inf();
        assert!(original.contains(from), "{from:?} is not in the file");
        let findings = check(&original.replace(from, to));
        assert!(
            findings.iter().any(|finding| finding.rule == *rule),
            "{from:?} → {to:?} does not break {rule:?} but {findings:?}"
        );
    }
}

#[test]
fn no_text_stops_the_linter() {
    let text = inf();
    let lines: Vec<&str> = text.lines().collect();
    for left_out in 0..lines.len() {
        let without: Vec<&str> = [&lines[..left_out], &lines[left_out + 1..]].concat();
        let _findings = check(&without.join("\n"));
    }
    for at in (0..text.len()).step_by(7) {
        for change in ["%", "\"", "=", ",", "[", "\\\n", ".", ""] {
            let _findings = check(&[&text[..at], change, &text[at + 1..]].concat());
        }
    }
}

#[test]
fn every_rule_has_a_broken_file_a_sentence_and_a_source() {
    for rule in Rule::ALL {
        assert!(BROKEN.iter().any(|(broken, ..)| *broken == rule), "{rule:?}");
        assert!(!rule.about().sentence.is_empty() && !rule.about().source.is_empty(), "{rule:?}");
    }
    let mut sorted = Rule::ALL;
    sorted.sort_unstable();
    assert_eq!(sorted, Rule::ALL, "the list is in the order of the rules");
    assert!(sorted.windows(2).all(|pair| pair[0] != pair[1]));
}

/// Where the table of rules begins and ends in `docs/checked.md`.
const MARKS: [&str; 2] = ["<!-- rules of pvgpu-inf: begin -->\n", "<!-- rules of pvgpu-inf: end -->"];

/// To renew the table after a change of the rules: `PVGPU_BLESS=1`.
#[test]
fn the_page_of_checks_lists_every_rule() {
    let mut table = String::from("| rule | InfVerif | source |\n|---|---|---|\n");
    for rule in Rule::ALL {
        let about = rule.about();
        let code = about.code.map_or("–".to_owned(), |code| code.to_string());
        table.push_str(&format!("| {} | {code} | {} |\n", about.sentence, about.source));
    }
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/checked.md");
    let page = std::fs::read_to_string(&file).expect("docs/checked.md is there").replace("\r\n", "\n");
    let [begin, end] = MARKS;
    let (before, rest) = page.split_once(begin).expect("the page has the first mark");
    let (found, after) = rest.split_once(end).expect("the page has the second mark");
    if std::env::var_os("PVGPU_BLESS").is_some() {
        std::fs::write(&file, format!("{before}{begin}{table}{end}{after}"))
            .expect("the page can be written");
    } else {
        assert_eq!(found, table, "run this test with PVGPU_BLESS=1");
    }
}
