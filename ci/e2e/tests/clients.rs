//! Third-party programs on pvgpu: their frames are those of Wine's own renderer.

use pvgpu_e2e::{assert_validation_clean, built};
use pvgpu_xtask::client;
use pvgpu_xtask::program::Renderer;
use pvgpu_xtask::wine::Display;

fn looks_the_same(name: &str) {
    built(&Renderer::Pvgpu { link: None });
    client::ensure().expect("the clients build");
    let display = Display::start().expect("an X server starts");
    let clients = client::all();
    let client = clients.iter().find(|client| client.name == name).expect("it is a client");
    let shown = client::show(client, true, &display).unwrap_or_else(|error| panic!("{error}"));
    assert!(shown.matching.passes(), "{name}: {:?}", shown.matching);
    assert!(shown.outcome.guest.as_ref().is_some_and(|guest| guest.draws > 0), "pvgpud has drawn nothing");
    assert_validation_clean(&shown.outcome);
}

#[test]
fn angle_looks_the_same() {
    looks_the_same("angle");
}

#[test]
fn sokol_looks_the_same() {
    looks_the_same("sokol");
}

#[test]
fn sdl_geometry_looks_the_same() {
    looks_the_same("testgeometry");
}

#[test]
fn sdl_render_targets_look_the_same() {
    looks_the_same("testrendertarget");
}
