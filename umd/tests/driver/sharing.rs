//! Shared textures: what other devices get of them, and the gates that order submissions.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use pvgpu_protocol::command::{CommandRef, SHARE_TOKEN_WORDS, decode, open_status};
use pvgpu_protocol::kernel_interface::SharedResourceData;
use pvgpu_umd_ddi::*;

use crate::support::{self, Host, Shape, texture_shape};

type Token = [u64; SHARE_TOKEN_WORDS];

const SHARED: Shape = Shape {
    misc_flags: D3D10_DDI_RESOURCE_MISC_SHARED,
    ..texture_shape(16, 8, D3D10_DDI_USAGE_DEFAULT, D3D10_DDI_BIND_RENDER_TARGET)
};

fn names(host: &mut Host) -> Vec<&'static str> {
    host.drain().iter().map(|words| decode(words).expect("a legal command").name()).collect()
}

#[test]
fn a_shared_texture_has_a_token_and_submissions_have_gates() {
    let (mut runtime, mut host) = support::device();
    let texture = support::resource(&mut runtime, SHARED, None);
    let records = host.drain();
    let decoded = records.iter().map(|words| decode(words).expect("a legal command"));
    let token = decoded.clone().find_map(|command| match command {
        CommandRef::ShareResource(command) => Some(command.token.map(|word| word.to_native())),
        _ => None,
    });
    let names_so_far: Vec<&str> = decoded.map(|command| command.name()).collect();
    assert_eq!(names_so_far, ["CreateResource", "ShareResource", "Fence", "Gate"]);
    let shared = runtime.kernel.shared.lock().expect("no panic")[0];
    assert_eq!(Some(shared.token), token);
    assert!(!shared.token.contains(&0));
    assert_eq!((shared.width, shared.height, shared.format), (16, 8, DXGI_FORMAT_R8G8B8A8_UNORM));
    let markers = |from: usize| {
        let renders = runtime.kernel.renders.lock().expect("no panic");
        renders[from..].iter().map(|marker| (marker.value, marker.gate)).collect::<Vec<_>>()
    };
    assert_eq!(markers(0), [(1, 0)], "what came before waits for nobody");

    call!(runtime, pfnFlush, 0);
    assert_eq!((names(&mut host), markers(1)), (vec![], vec![]), "a gate alone is no submission");
    support::buffer(&mut runtime, 64, D3D10_DDI_BIND_VERTEX_BUFFER);
    call!(runtime, pfnFlush, 0);
    assert_eq!(names(&mut host), ["CreateResource", "Fence", "Gate"]);
    let renders = runtime.kernel.renders.lock().expect("no panic").clone();
    assert_eq!(renders[1..].iter().map(|marker| (marker.value, marker.gate)).collect::<Vec<_>>(), [(2, 1)]);

    let second = support::resource(&mut runtime, SHARED, None);
    assert_eq!(names(&mut host), ["CreateResource", "ShareResource", "Fence", "Gate"], "sent at once");
    let tokens = runtime.kernel.shared.lock().expect("no panic").clone();
    assert_ne!(tokens[0].token, tokens[1].token);
    for resource in [texture, second] {
        call!(runtime, pfnDestroyResource, resource);
    }
    assert_eq!(runtime.kernel.deallocated.load(Ordering::Relaxed), 2);
    assert_eq!(runtime.kernel.take_errors(), [0; 0]);
}

/// Answers openings, and notes the tokens and numbers that they name.
fn answer(kernel: &'static support::Kernel, mut host: Host, status: u64) -> Arc<Mutex<Vec<(Token, u32)>>> {
    let opened = Arc::<Mutex<Vec<(Token, u32)>>>::default();
    let seen = opened.clone();
    let run = move || {
        for words in host.drain() {
            match decode(&words).expect("a legal command") {
                CommandRef::TryOpenSharedResource(command) => {
                    let token = command.token.map(|word| word.to_native());
                    seen.lock().expect("no panic").push((token, command.id.to_native()));
                    kernel.write(command.status.offset.to_native(), status);
                }
                CommandRef::Gate(_) | CommandRef::Fence(_) => {}
                other => panic!("{}", other.name()),
            }
        }
    };
    *kernel.on_wait.lock().expect("no panic") = Some(Box::new(run));
    opened
}

fn shared_texture() -> SharedResourceData {
    let (mut owner, _) = support::device();
    support::resource(&mut owner, SHARED, None);
    owner.kernel.shared.lock().expect("no panic")[0]
}

#[test]
fn an_opened_texture_is_the_one_of_the_token() {
    let shared = shared_texture();
    let (mut runtime, host) = support::device();
    let opened = answer(runtime.kernel, host, open_status::OPENED);
    let texture = support::open(&mut runtime, &shared);
    assert_eq!(opened.lock().expect("no panic")[0].0, shared.token);
    assert_eq!(runtime.kernel.waits.load(Ordering::Relaxed), 1, "for the answer");
    call!(runtime, pfnDestroyResource, texture);
    assert_eq!(runtime.kernel.deallocated.load(Ordering::Relaxed), 1);
    assert_eq!(runtime.kernel.take_errors(), [0; 0]);
}

#[test]
fn a_texture_that_nobody_has_any_more_is_refused() {
    let shared = shared_texture();
    let (mut runtime, host) = support::device();
    let opened = answer(runtime.kernel, host, open_status::REFUSED);
    for _ in 0..2 {
        support::open(&mut runtime, &shared);
        assert_eq!(runtime.kernel.take_errors().len(), 1);
    }
    let opened = opened.lock().expect("no panic");
    assert_eq!(opened[0].1, opened[1].1, "its number is free again");
    assert!(!runtime.kernel.removed.load(Ordering::Relaxed), "the device goes on");
}
