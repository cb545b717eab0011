//! The table has every struct, flag word and constant of the crate.

use std::collections::BTreeSet;
use std::path::Path;

use pvgpu_kmd_ddi::{LAYOUTS, VALUES};

/// Types whose insides are NT's alone, and one that only gives an array its `Default`.
const WITHOUT_LAYOUT: &[&str] =
    &["Address", "OBJECT_TYPE", "DEVICE_OBJECT", "FILE_OBJECT", "IRP", "SourceAddressContexts"];

/// The text of every file below `folder` but the table's own.
fn sources(folder: &Path, into: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.ends_with("layout") {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("macros.rs")
        {
            into.push(std::fs::read_to_string(&path).expect("a source file is text"));
        }
    }
}

fn all_sources() -> Vec<String> {
    let mut all = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
    assert!(all.len() > 25, "only {} files found", all.len());
    all
}

/// The word that begins `text`.
fn word(text: &str) -> String {
    text.trim_start().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

/// The name that a macro of ours declares: the first word of its body that stands on no comment line.
fn declared(body: &str) -> String {
    body.lines().skip(1).map(str::trim).find(|line| !line.starts_with("///")).map(word).unwrap_or_default()
}

/// Fails with what only one of the two has.
fn same(stated: &BTreeSet<String>, expected: &BTreeSet<String>) {
    let difference: Vec<_> = stated.symmetric_difference(expected).collect();
    assert!(difference.is_empty(), "in the table or in the crate, but not in both: {difference:?}");
}

#[test]
fn the_table_has_every_struct() {
    let mut expected = BTreeSet::new();
    for text in all_sources() {
        expected.extend(text.split("\npub struct ").skip(1).map(word));
        expected.extend(text.split("\nflags! {").skip(1).map(declared));
        expected.extend(text.split("\nunion_block! {").skip(1).map(declared));
    }
    expected.retain(|name| !WITHOUT_LAYOUT.contains(&name.as_str()));
    let stated: BTreeSet<String> = LAYOUTS.iter().map(|layout| layout.name.to_owned()).collect();
    assert_eq!(stated.len(), LAYOUTS.len(), "a struct stands twice in the table");
    same(&stated, &expected);
}

#[test]
fn the_table_has_every_constant() {
    let mut expected = BTreeSet::new();
    for text in all_sources() {
        for body in text.split("\nenumeration! {").skip(1) {
            let body = body.split_once(" {").expect("an enumeration has a body").1;
            let body = body.split_once('}').expect("a body ends").0;
            let pairs = body.split(',').filter(|pair| pair.contains('='));
            expected.extend(pairs.map(|pair| word(pair.rsplit('\n').next().unwrap_or(pair))));
        }
        expected.extend(text.split("\npub const ").skip(1).map(word).filter(|name| !name.starts_with("fn")));
    }
    let stated: BTreeSet<String> = VALUES.iter().map(|(_, name, _)| (*name).to_owned()).collect();
    assert_eq!(stated.len(), VALUES.len(), "a constant stands twice in the table");
    same(&stated, &expected);
}

#[test]
fn members_do_not_overlap_and_fill_the_struct() {
    for layout in LAYOUTS {
        let offsets: Vec<_> = layout.members.iter().map(|member| member.offset).collect();
        assert!(offsets.is_sorted_by(|a, b| a < b), "{}: {offsets:?}", layout.name);
        assert!(
            offsets.first().is_none_or(|first| *first == 0),
            "{} does not begin with a member",
            layout.name
        );
        assert!(
            offsets.last().is_none_or(|last| *last < layout.size),
            "{} is smaller than its members",
            layout.name
        );
        let masks = layout.bits.iter().fold(0, |all, (name, mask)| {
            assert_eq!(all & mask, 0, "{}::{name} overlaps", layout.name);
            all | mask
        });
        assert!(layout.members.is_empty() || masks == 0, "{} is a struct and a flag word", layout.name);
    }
}
