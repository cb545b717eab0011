//! Textures that several processes use.
#![expect(unsafe_code, reason = "Direct3D has no safe interface")]

use std::time::{Duration, Instant};

use windows::Win32::Foundation::{
    CloseHandle, DUPLICATE_SAME_ACCESS, DuplicateHandle, E_INVALIDARG, HANDLE, S_OK,
};
use windows::Win32::Graphics::Direct3D11::*;
use windows::Win32::Graphics::Dxgi::*;
use windows::Win32::Security::SECURITY_ATTRIBUTES;
use windows::Win32::System::Threading::GetCurrentProcess;
use windows::core::{HRESULT, HSTRING, Interface, PCWSTR, Result};

use super::sharing::{KEYED, NT, READ_WRITE, SHARED, TIMEOUT, acquire, desc, fill, last_level, open};
use crate::check::Report;
use crate::device::{self, code, texture};
use crate::peer::Peer;

/// `WAIT_ABANDONED`.
const ABANDONED: HRESULT = HRESULT(0x80);
/// TIMEOUT: for what a process that was ended has held; a busy machine takes its time.
const END_LIMIT: Duration = Duration::from_secs(5);
const RED: u32 = 0xff00_00ff;
const GREEN: u32 = 0xff00_ff00;
const BLUE: u32 = 0xffff_0000;

/// Checks the rules of this file.
///
/// # Errors
/// What stops the checks.
pub fn check(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let mut peer = Peer::start()?;
    legacy_handles(report, device, &mut peer)?;
    lifetimes(report, device, &mut peer)?;
    nt_handles(report, device, &mut peer)?;
    keyed_mutexes(report, device, &mut peer)?;
    cycles(report, device, &mut peer)?;
    deaths(report, device)
}

/// A handle as a peer is told of it.
fn number(handle: HANDLE) -> usize {
    handle.0.addr()
}

fn handle(number: u64) -> HANDLE {
    // CAST: a handle of this program.
    HANDLE(std::ptr::without_provenance_mut(number as usize))
}

fn legacy_handle(image: &ID3D11Texture2D) -> Result<HANDLE> {
    // SAFETY: the texture is alive.
    unsafe { image.cast::<IDXGIResource>()?.GetSharedHandle() }
}

fn legacy_handles(report: &mut Report, device: &ID3D11Device, peer: &mut Peer) -> Result<()> {
    let image = texture(device, &desc(SHARED))?;
    fill(device, &image, RED)?;
    let shared = legacy_handle(&image)?;
    peer.ask(&format!("open {}", number(shared)))?;
    report.equal("another process sees what was flushed", peer.ask("read")?, RED.into());
    peer.ask(&format!("fill {BLUE}"))?;
    report.equal("and this one what it did", last_level(device, &image)?, BLUE);
    for round in 0..16_u32 {
        let colour = 0xff00_0000 | (round * 8);
        let found = if round % 2 == 0 {
            fill(device, &image, colour)?;
            peer.ask("read")?
        } else {
            peer.ask(&format!("fill {colour}"))?;
            last_level(device, &image)?.into()
        };
        report.equal("flushes order processes", found, colour.into());
    }
    report.equal("a handle that is none opens nothing", code(&peer.ask("open 1073741826")), E_INVALIDARG);
    report.equal(
        "one of the other kind does not either",
        code(&peer.ask("open-nt 1073741826")),
        E_INVALIDARG,
    );
    let theirs = peer.ask(&format!("share {SHARED}"))?;
    peer.ask(&format!("fill {GREEN}"))?;
    let opened = open(device, handle(theirs))?;
    report.equal("it goes the other way as well", last_level(device, &opened)?, GREEN);
    Ok(())
}

fn lifetimes(report: &mut Report, device: &ID3D11Device, peer: &mut Peer) -> Result<()> {
    let shared = peer.ask(&format!("share {SHARED}"))?;
    peer.ask(&format!("fill {RED}"))?;
    let opened = open(device, handle(shared))?;
    peer.ask("drop")?;
    report.equal("a texture lives as long as a process has it", last_level(device, &opened)?, RED);
    peer.ask(&format!("open {shared}"))?;
    report.equal("and can be opened so long", peer.ask("read")?, RED.into());
    drop(opened);
    report.equal("by either", peer.ask("read")?, RED.into());
    let again = open(device, handle(shared))?;
    report.equal("again and again", last_level(device, &again)?, RED);
    drop(again);
    peer.ask("drop")?;
    report.equal("but no longer", code(&open(device, handle(shared))), E_INVALIDARG);
    report.equal("in no process", code(&peer.ask(&format!("open {shared}"))), E_INVALIDARG);
    Ok(())
}

fn nt_handles(report: &mut Report, device: &ID3D11Device, peer: &mut Peer) -> Result<()> {
    let image = texture(device, &desc(SHARED | NT))?;
    fill(device, &image, RED)?;
    let resource: IDXGIResource1 = image.cast()?;
    let name = HSTRING::from("Local\\pvgpu-d3d-rules-processes");
    // SAFETY: the name is zero-terminated.
    let named = unsafe { resource.CreateSharedHandle(None, READ_WRITE, &name) }?;
    let mut duplicate = HANDLE::default();
    // SAFETY: no arguments.
    let own = unsafe { GetCurrentProcess() };
    let (peers, out) = (peer.process(), &raw mut duplicate);
    // SAFETY: the handles are open, and the out-pointer is a local's.
    unsafe { DuplicateHandle(own, named, peers, out, 0, false, DUPLICATE_SAME_ACCESS) }?;
    peer.ask(&format!("open-nt {}", number(duplicate)))?;
    report.equal("a duplicated handle opens the texture", peer.ask("read")?, RED.into());
    fill(device, &image, BLUE)?;
    peer.ask(&format!("open-name {name}"))?;
    report.equal("its name does", peer.ask("read")?, BLUE.into());
    let attributes = SECURITY_ATTRIBUTES {
        // CAST: 24.
        nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
        lpSecurityDescriptor: std::ptr::null_mut(),
        bInheritHandle: true.into(),
    };
    // SAFETY: the attributes are a local's.
    let inherited = unsafe { resource.CreateSharedHandle(Some(&attributes), READ_WRITE, PCWSTR::null()) }?;
    let mut child = Peer::start()?;
    child.ask(&format!("open-nt {}", number(inherited)))?;
    report.equal("an inherited one does", child.ask("read")?, BLUE.into());
    child.ask(&format!("fill {GREEN}"))?;
    report.equal("three processes have one texture", peer.ask("read")?, GREEN.into());
    report.equal("all of them", last_level(device, &image)?, GREEN);
    drop(child);
    // SAFETY: they were made above.
    unsafe { CloseHandle(named) }?;
    // SAFETY: as above.
    unsafe { CloseHandle(inherited) }?;
    drop((image, resource));
    peer.ask("drop")?;
    // The child's end may still be under way.
    let start = Instant::now();
    let again = loop {
        let again = peer.ask(&format!("open-nt {}", number(duplicate)));
        if again.is_err() || start.elapsed() > END_LIMIT {
            break again;
        }
        peer.ask("drop")?;
    };
    report.equal("the handle of a texture that is gone opens nothing", code(&again), E_INVALIDARG);
    Ok(())
}

fn keyed_mutexes(report: &mut Report, device: &ID3D11Device, peer: &mut Peer) -> Result<()> {
    const TURNS: u64 = 100;
    let image = texture(device, &desc(KEYED))?;
    let mutex: IDXGIKeyedMutex = image.cast()?;
    // SAFETY: the mutex is alive.
    let release = |key| code(&unsafe { mutex.ReleaseSync(key) });
    peer.ask(&format!("open {}", number(legacy_handle(&image)?)))?;
    let is = |code: HRESULT| u64::from(code.0.cast_unsigned());
    report.equal("one process has a mutex", acquire(&mutex, 0, 0), S_OK);
    let began = Instant::now();
    report.equal("another waits for its time", peer.ask("acquire 0 30")?, is(TIMEOUT));
    report.holds("all of it", began.elapsed().as_millis() >= 30);
    let not_its_own = code(&peer.ask("release 0"));
    report.equal("and cannot release it", not_its_own, HRESULT(0x887a_0001_u32.cast_signed()));
    fill(device, &image, RED)?;
    peer.tell("acquire 7 20000")?;
    std::thread::sleep(Duration::from_millis(30));
    report.equal("it is released to who waits", release(7), S_OK);
    report.equal("who has it then", peer.answer()?, is(S_OK));
    report.equal("with what was drawn", peer.ask("read")?, RED.into());
    report.equal("the key must be the one", acquire(&mutex, 8, 10), TIMEOUT);
    peer.ask("release 1000")?;
    // The peer has the odd keys.
    let began = Instant::now();
    peer.tell(&format!("turns {TURNS} 1001"))?;
    let mut found = Vec::new();
    for turn in 0..TURNS {
        let key = 1000 + 2 * turn;
        report.equal("turns go to and fro", acquire(&mutex, key, 20_000), S_OK);
        if turn != 0 {
            // CAST: turns are few.
            found.push((last_level(device, &image)?, 0xff00_0000 | (key - 1) as u32));
        }
        report.equal("and on", release(key + 1), S_OK);
    }
    peer.answer()?;
    report.holds("each sees what the other has drawn", found.iter().all(|(found, drawn)| found == drawn));
    println!("d3d-rules: {} µs a turn between processes", began.elapsed().as_micros() / u128::from(TURNS));
    Ok(())
}

fn cycles(report: &mut Report, device: &ID3D11Device, peer: &mut Peer) -> Result<()> {
    for round in 0..300_u32 {
        let image = texture(device, &desc(if round % 2 == 0 { SHARED } else { KEYED }))?;
        let opened = peer.ask(&format!("open {}", number(legacy_handle(&image)?)));
        report.equal("textures come and go", code(&opened), S_OK);
        peer.ask("drop")?;
    }
    Ok(())
}

fn deaths(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    // One that dies with what it has opened, owning the mutex.
    let image = texture(device, &desc(KEYED))?;
    let mutex: IDXGIKeyedMutex = image.cast()?;
    let mut peer = Peer::start()?;
    peer.ask(&format!("open {}", number(legacy_handle(&image)?)))?;
    peer.ask("acquire 0 1000")?;
    peer.ask(&format!("fill {RED}"))?;
    peer.kill()?;
    report.equal("what the dead owned is abandoned", acquire(&mutex, 5, 20_000), ABANDONED);
    fill(device, &image, BLUE)?;
    report.equal("the texture stays", last_level(device, &image)?, BLUE);
    // SAFETY: the mutex is alive.
    let released = code(&unsafe { mutex.ReleaseSync(1) });
    report.equal("so does the mutex", (released, acquire(&mutex, 1, 1000)), (S_OK, S_OK));

    // One that dies with what it shares.
    let mut peer = Peer::start()?;
    let shared = peer.ask(&format!("share {SHARED}"))?;
    peer.ask(&format!("fill {GREEN}"))?;
    let opened = open(device, handle(shared))?;
    peer.tell(&format!("fill {GREEN}"))?;
    peer.kill()?;
    report.equal("a texture outlives its process", last_level(device, &opened)?, GREEN);
    fill(device, &opened, RED)?;
    report.equal("and is drawn to", last_level(device, &opened)?, RED);
    let mut peer = Peer::start()?;
    peer.ask(&format!("open {shared}"))?;
    report.equal("and opened by another", peer.ask("read")?, RED.into());

    // Ones that die in the middle of whatever they do.
    for round in 0..4_u64 {
        let image = texture(device, &desc(KEYED))?;
        let mutex: IDXGIKeyedMutex = image.cast()?;
        let mut peer = Peer::start()?;
        peer.ask(&format!("open {}", number(legacy_handle(&image)?)))?;
        peer.tell("turns 1000000 1")?;
        let mut key = 0;
        let outcome = loop {
            match acquire(&mutex, key, 20_000) {
                S_OK => {}
                other => break other,
            }
            fill(device, &image, BLUE)?;
            // SAFETY: the mutex is alive.
            unsafe { mutex.ReleaseSync(key + 1) }?;
            key += 2;
            if key == 8 + 2 * round {
                break S_OK;
            }
        };
        report.equal("turns go to and fro until one dies", outcome, S_OK);
        peer.kill()?;
        // It had the mutex, or had released it with its key, or never got it.
        let free = [key, key - 1].map(|key| acquire(&mutex, key, 500));
        let has = free.iter().any(|code| *code == S_OK || *code == ABANDONED);
        report.holds("the other goes on", has);
        fill(device, &image, GREEN)?;
        report.equal("with all that it has", last_level(device, &image)?, GREEN);
    }
    // SAFETY: the device is alive.
    report.equal("and its device is as it was", code(&unsafe { device.GetDeviceRemovedReason() }), S_OK);
    let _second = device::device()?;
    Ok(())
}
