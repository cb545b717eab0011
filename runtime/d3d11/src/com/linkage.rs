//! Class linkage: `ID3D11ClassLinkage`, `ID3D11ClassInstance`, and what a shader bound with instances tells the driver.
//!
//! A linkage knows the classes and instances of the shaders that were created with it. An instance is a class and four
//! numbers: where its data begin in which constant buffer, and its first texture and sampler. Binding a shader with an
//! instance for each of its interfaces looks each class up in the shader's own table of that interface.

use core::ffi::{CStr, c_void};
use core::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pvgpu_dxbc::container::{Class as ShaderClass, Instance, Linkage};
use pvgpu_umd_ddi::D3D11DDIARG_POINTERDATA;
use windows::Win32::Graphics::Direct3D11::{
    D3D11_CLASS_INSTANCE_DESC, ID3D11ClassInstance, ID3D11ClassInstance_Impl, ID3D11ClassInstance_Vtbl,
    ID3D11ClassLinkage, ID3D11ClassLinkage_Impl, ID3D11ClassLinkage_Vtbl,
};
use windows_core::{GUID, Interface, OutRef, PCSTR, PSTR};

use super::convert::com;
use super::device::Device;
use super::guard::{Guard, Locked};
use super::object::{CHAINS, Class, Com, vtable};
use crate::hresult::{E_INVALIDARG, Result, require};

/// What a linkage has learnt from its shaders.
#[derive(Default)]
struct Known {
    classes: Vec<ShaderClass>,
    /// Instances, each with the number of its class here.
    instances: Vec<(Instance, usize)>,
}

/// A class linkage.
#[derive(Default)]
pub struct ClassLinkage {
    known: Mutex<Known>,
}

impl ClassLinkage {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what a shader knows.
    pub fn learn(&self, linkage: &Linkage) {
        let mut known = self.known();
        let numbers: Vec<usize> = linkage
            .classes
            .iter()
            .map(|class| {
                let found = known.classes.iter().position(|other| other.name == class.name);
                found.unwrap_or_else(|| {
                    known.classes.push(class.clone());
                    known.classes.len() - 1
                })
            })
            .collect();
        for instance in &linkage.instances {
            let number = numbers.get(usize::from(instance.class)).copied();
            let is_new = !known.instances.iter().any(|(other, _)| other.name == instance.name);
            if let Some(number) = number.filter(|_| is_new) {
                known.instances.push((instance.clone(), number));
            }
        }
    }
}

/// Where an instance's data and resources are.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    constant_buffer: u32,
    constant_offset: u32,
    texture: u32,
    sampler: u32,
}

impl Places {
    /// Checked: they fit into the fields of the DDI's struct.
    fn new(constant_buffer: u32, constant_offset: u32, texture: u32, sampler: u32) -> Result<Self> {
        let fits = |value: u32, mask: u32| value <= mask >> mask.trailing_zeros();
        require(fits(constant_buffer, D3D11DDIARG_POINTERDATA::uCBID))?;
        require(fits(constant_offset, D3D11DDIARG_POINTERDATA::uCBOffset))?;
        require(fits(texture, D3D11DDIARG_POINTERDATA::uBaseTex))?;
        require(fits(sampler, D3D11DDIARG_POINTERDATA::uBaseSamp))?;
        Ok(Self { constant_buffer, constant_offset, texture, sampler })
    }

    /// The bits of a `D3D11DDIARG_POINTERDATA`.
    fn bits(self) -> u32 {
        let field = |value: u32, mask: u32| value << mask.trailing_zeros();
        field(self.constant_buffer, D3D11DDIARG_POINTERDATA::uCBID)
            | field(self.constant_offset, D3D11DDIARG_POINTERDATA::uCBOffset)
            | field(self.texture, D3D11DDIARG_POINTERDATA::uBaseTex)
            | field(self.sampler, D3D11DDIARG_POINTERDATA::uBaseSamp)
    }
}

/// A class instance.
pub struct ClassInstance {
    /// Held.
    linkage: NonNull<Com<ClassLinkage>>,
    /// The class's name, and its number in the linkage.
    class: (String, usize),
    /// The instance's name, number and index; `None` for one that the program made.
    named: Option<(String, usize, u32)>,
    places: Places,
}

impl ClassInstance {
    fn linkage(&self) -> &Com<ClassLinkage> {
        // SAFETY: an instance holds its linkage until it is destroyed.
        unsafe { self.linkage.as_ref() }
    }
}

/// What the driver is told of the instances that a shader is bound with: a function table and places for each
/// interface. `None` when an interface has no instance, or one of a class that it does not take: the shader is disabled
/// then (documentation of VSSetShader).
pub fn resolve(linkage: &Linkage, instances: &[Option<&Com<ClassInstance>>]) -> Option<(Vec<u32>, Vec<u32>)> {
    if instances.len() != linkage.slots() {
        return None;
    }
    let (mut tables, mut pointers) = (Vec::new(), Vec::new());
    for (slot, instance) in instances.iter().enumerate() {
        let instance = &instance.as_ref()?.inner;
        let taken = &linkage.interface_of(slot)?.classes;
        let is_its_class = |number: u16| {
            linkage.classes.get(usize::from(number)).is_some_and(|class| class.name == instance.class.0)
        };
        let (_, table) = taken.iter().find(|(number, _)| is_its_class(*number))?;
        tables.push(*table);
        pointers.push(instance.places.bits());
    }
    Some((tables, pointers))
}

impl Com<Device> {
    /// Creates a class linkage: a public reference as an interface pointer of chain 0.
    pub fn create_class_linkage(&self) -> *mut c_void {
        let mut vtables = [core::ptr::null(); CHAINS];
        vtables[0] = vtable!(ID3D11ClassLinkage_Vtbl, Com<ClassLinkage>, 0);
        Com::new(vtables, self, core::ptr::null_mut(), ClassLinkage::default()).as_ptr().cast()
    }
}

impl Class for ClassLinkage {
    fn chain(&self, iid: &GUID) -> Option<usize> {
        ID3D11ClassLinkage_Vtbl::matches(iid).then_some(0)
    }

    fn destroy(&self, _handle: *mut c_void, _locked: &mut Locked) {}
}

/// A name argument.
///
/// # Safety
/// `name` is null or zero-terminated.
unsafe fn name_of(name: &PCSTR) -> Result<String> {
    require(!name.is_null())?;
    // SAFETY: the caller's promise.
    let name = unsafe { CStr::from_ptr(name.0.cast()) };
    name.to_str().map(str::to_owned).map_err(|_| E_INVALIDARG)
}

impl Com<ClassLinkage> {
    /// An instance with one public reference.
    fn instance(
        &self,
        class: (String, usize),
        named: Option<(String, usize, u32)>,
        places: Places,
    ) -> ID3D11ClassInstance {
        let mut vtables = [core::ptr::null(); CHAINS];
        vtables[0] = vtable!(ID3D11ClassInstance_Vtbl, Com<ClassInstance>, 0);
        self.hold(&mut Guard::new(&self.device().inner).graves);
        let inner = ClassInstance { linkage: NonNull::from(self), class, named, places };
        let pointer = Com::new(vtables, self.device(), core::ptr::null_mut(), inner);
        // SAFETY: the object is an `ID3D11ClassInstance` with a reference for its owner.
        unsafe { ID3D11ClassInstance::from_raw(pointer.as_ptr().cast()) }
    }

    fn class_instance(&self, name: &str, index: u32) -> Result<ID3D11ClassInstance> {
        let known = self.inner.known();
        let found = known.instances.iter().position(|(one, _)| one.name == name).ok_or(E_INVALIDARG)?;
        let (instance, number) = known.instances.get(found).ok_or(E_INVALIDARG)?;
        let class = known.classes.get(*number).ok_or(E_INVALIDARG)?;
        require(index < u32::from(instance.count))?;
        // Elements of an array follow one another, each with all that its class has.
        let at =
            |first: u16, size: u16| u32::from(first).saturating_add(index.saturating_mul(u32::from(size)));
        let places = Places::new(
            u32::from(instance.constant_buffer),
            at(instance.constant_offset, class.constants),
            at(instance.texture, class.textures),
            at(instance.sampler, class.samplers),
        )?;
        let class = (class.name.clone(), *number);
        drop(known);
        Ok(self.instance(class, Some((name.to_owned(), found, index)), places))
    }
}

impl ID3D11ClassLinkage_Impl for Com<ClassLinkage> {
    fn GetClassInstance(&self, name: &PCSTR, index: u32) -> windows_core::Result<ID3D11ClassInstance> {
        // SAFETY: COM's contract.
        let name = com(unsafe { name_of(name) })?;
        com(self.class_instance(&name, index))
    }

    fn CreateClassInstance(
        &self,
        type_name: &PCSTR,
        constant_buffer: u32,
        constant_vector: u32,
        texture: u32,
        sampler: u32,
    ) -> windows_core::Result<ID3D11ClassInstance> {
        // SAFETY: COM's contract.
        let name = com(unsafe { name_of(type_name) })?;
        let number = self.inner.known().classes.iter().position(|class| class.name == name);
        let number = com(number.ok_or(E_INVALIDARG))?;
        let places = com(Places::new(constant_buffer, constant_vector, texture, sampler))?;
        Ok(self.instance((name, number), None, places))
    }
}

impl Class for ClassInstance {
    fn chain(&self, iid: &GUID) -> Option<usize> {
        ID3D11ClassInstance_Vtbl::matches(iid).then_some(0)
    }

    fn destroy(&self, _handle: *mut c_void, locked: &mut Locked) {
        self.linkage().unhold(&mut locked.graves);
    }
}

/// Writes a name and its zero as far as there is room, and how many bytes all of it has.
///
/// # Safety
/// `length` is null or valid; `buffer` is null or has `*length` bytes.
unsafe fn put_name(name: &str, buffer: PSTR, length: *mut usize) {
    // SAFETY: the caller's promise.
    let Some(length) = (unsafe { length.as_mut() }) else { return };
    let all = name.len() + 1;
    if !buffer.is_null() && *length != 0 {
        let count = name.len().min(*length - 1);
        // SAFETY: the caller's promise; the name has at least `count` bytes.
        unsafe { core::ptr::copy_nonoverlapping(name.as_ptr(), buffer.0, count) };
        // SAFETY: `count` is below the buffer's length.
        let end = unsafe { buffer.0.add(count) };
        // SAFETY: as above.
        unsafe { end.write(0) };
    }
    *length = all;
}

impl ID3D11ClassInstance_Impl for Com<ClassInstance> {
    fn GetClassLinkage(&self, linkage: OutRef<ID3D11ClassLinkage>) {
        let _guard = Guard::new(&self.device().inner);
        let pointer = self.inner.linkage().hand_out();
        // SAFETY: the pointer has a reference for its new owner.
        let interface = unsafe { ID3D11ClassLinkage::from_raw(pointer) };
        // A null out pointer gets nothing, and the reference is given up.
        let _ = linkage.write(Some(interface));
    }

    fn GetDesc(&self, desc: *mut D3D11_CLASS_INSTANCE_DESC) {
        let instance = &self.inner;
        let (id, index) = instance.named.as_ref().map_or((0, 0), |(_, id, index)| (*id, *index));
        let value = D3D11_CLASS_INSTANCE_DESC {
            // CAST: a program has at most a few thousand of both.
            InstanceId: id as u32,
            InstanceIndex: index,
            TypeId: instance.class.1 as u32,
            ConstantBuffer: instance.places.constant_buffer,
            BaseConstantBufferOffset: instance.places.constant_offset,
            BaseTexture: instance.places.texture,
            BaseSampler: instance.places.sampler,
            Created: instance.named.is_none().into(),
        };
        // SAFETY: COM's contract: not null means valid.
        if let Some(out) = unsafe { desc.as_mut() } {
            *out = value;
        }
    }

    fn GetInstanceName(&self, name: PSTR, length: *mut usize) {
        let own = self.inner.named.as_ref().map_or("", |(name, ..)| name);
        // SAFETY: COM's contract.
        unsafe { put_name(own, name, length) };
    }

    fn GetTypeName(&self, name: PSTR, length: *mut usize) {
        // SAFETY: COM's contract.
        unsafe { put_name(&self.inner.class.0, name, length) };
    }
}
