//! Which swap chain of the process covers which monitor, and the monitors' gamma.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use windows::Win32::Graphics::Dxgi::Common::DXGI_GAMMA_CONTROL;

use super::presenter::Shared;
use crate::gdi::gamma::{self, Ramp};
use crate::rules::gamma::{POINTS, ramp_entry};

/// A display device's name.
type Device = [u16; 32];

/// A monitor that a full-screen swap chain covers.
struct Owner {
    /// The swap chain's number.
    chain: usize,
    /// For its statistics.
    shared: Weak<Shared>,
    /// `IDXGIOutput::ReleaseOwnership` was called: the swap chain's next Present leaves full-screen.
    released: bool,
    /// What the program set, and the ramp before that.
    gamma: Option<Box<DXGI_GAMMA_CONTROL>>,
    before: Option<Box<Ramp>>,
}

static OWNERS: Mutex<BTreeMap<Device, Owner>> = Mutex::new(BTreeMap::new());

fn owners() -> MutexGuard<'static, BTreeMap<Device, Owner>> {
    OWNERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A swap chain covers a monitor from now on.
pub fn claim(device: &Device, chain: usize, shared: &Arc<Shared>) {
    let owner = Owner { chain, shared: Arc::downgrade(shared), released: false, gamma: None, before: None };
    let before = owners().insert(*device, owner);
    restore_gamma(device, before);
}

/// A swap chain does not cover a monitor any more.
pub fn give_up(device: &Device, chain: usize) {
    let mut owners = owners();
    let is_its = owners.get(device).is_some_and(|owner| owner.chain == chain);
    let before = if is_its { owners.remove(device) } else { None };
    drop(owners);
    restore_gamma(device, before);
}

fn restore_gamma(device: &Device, owner: Option<Owner>) {
    if let Some(ramp) = owner.and_then(|owner| owner.before) {
        gamma::write(device, &ramp);
    }
}

/// Whether a swap chain covers the monitor and its program has not released it.
pub fn is_owned(device: &Device) -> bool {
    owners().get(device).is_some_and(|owner| !owner.released)
}

/// What the swap chain that covers a monitor has shown.
pub fn shared(device: &Device) -> Option<Arc<Shared>> {
    owners().get(device).and_then(|owner| owner.shared.upgrade())
}

/// The program gave up the ownership of a monitor by itself.
pub fn release(device: &Device) {
    if let Some(owner) = owners().get_mut(device) {
        owner.released = true;
    }
}

/// Whether the program has released the monitor that a swap chain covers.
pub fn is_released(device: &Device, chain: usize) -> bool {
    owners().get(device).is_some_and(|owner| owner.chain == chain && owner.released)
}

/// Sets the gamma of a monitor that a swap chain covers; false if none does.
///
/// A display device without a ramp shows pictures as they are: that is no error of the program.
pub fn set_gamma(device: &Device, control: &DXGI_GAMMA_CONTROL) -> bool {
    let mut owners = owners();
    let Some(owner) = owners.get_mut(device) else { return false };
    if owner.before.is_none() {
        owner.before = gamma::read(device);
    }
    owner.gamma = Some(Box::new(*control));
    let mut ramp = Box::new([[0; 256]; 3]);
    let (scale, offset) = (control.Scale, control.Offset);
    for (index, point) in control.GammaCurve.iter().take(POINTS as usize).enumerate() {
        let values = [
            point.Red * scale.Red + offset.Red,
            point.Green * scale.Green + offset.Green,
            point.Blue * scale.Blue + offset.Blue,
        ];
        for (channel, value) in ramp.iter_mut().zip(values) {
            if let Some(entry) = channel.get_mut(index) {
                *entry = ramp_entry(value);
            }
        }
    }
    gamma::write(device, &ramp);
    true
}

/// What [`set_gamma`] set last while the same swap chain covers the monitor.
pub fn gamma(device: &Device) -> Option<Box<DXGI_GAMMA_CONTROL>> {
    owners().get(device).and_then(|owner| owner.gamma.clone())
}
