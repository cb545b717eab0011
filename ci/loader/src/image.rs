//! A loaded image.

use std::ffi::c_void;
use std::fs;
use std::ops::Range;
use std::path::Path;

use crate::headers::{Headers, Section};
use crate::memory::{Access, Memory};
use crate::unwind::Scope;
use crate::{Exports, LoadError, bind, fault, relocate, unwind};

/// DriverEntry: takes the driver object and the registry path, gives an NTSTATUS.
pub type DriverEntry =
    unsafe extern "win64" fn(driver_object: *mut c_void, registry_path: *mut c_void) -> i32;

/// The handler that the loader provides itself.
const SPECIFIC_HANDLER: &str = "__C_specific_handler";

/// An image in memory. Its memory goes with it, so it must live as long as anything may call into it.
#[derive(Debug)]
pub struct Image {
    headers: Headers,
    scopes: Vec<Scope>,
    // In this order: no fault is looked up in memory that is gone.
    _exceptions: fault::Registration,
    memory: Memory,
}

impl Image {
    /// Loads the file and binds it to these exports. None of its code runs.
    ///
    /// # Errors
    /// What is wrong with the file, which exports are missing, or what the system refused.
    pub fn load(path: &Path, exports: &dyn Exports) -> Result<Self, LoadError> {
        let file = fs::read(path).map_err(|source| LoadError::File { path: path.to_owned(), source })?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Self::from_bytes(&name, &file, exports)
    }

    /// Loads a file's bytes; `name` is for reports of faults.
    ///
    /// # Errors
    /// As [`Image::load`].
    pub fn from_bytes(name: &str, file: &[u8], exports: &dyn Exports) -> Result<Self, LoadError> {
        let headers = Headers::read(file)?;
        let mut image = headers.place(file)?;
        let memory = Memory::reserve(headers.image_bytes).map_err(LoadError::Memory)?;
        // CAST: an address on a 64-bit machine.
        let distance = (memory.address() as u64).wrapping_sub(headers.preferred_base);
        relocate::relocate(&mut image, headers.relocations.clone(), distance)?;
        let specific_handler = fault::specific_handler();
        let exports = |name: &str| {
            if name == SPECIFIC_HANDLER { Some(specific_handler) } else { exports.address(name) }
        };
        bind::bind(&mut image, headers.imports.clone(), &exports)?;
        // CAST: an address on a 64-bit machine.
        let scopes =
            unwind::scopes(&image, headers.functions.clone(), specific_handler.expose_provenance() as u64);
        memory.fill(&image);
        memory.protect(0..headers.image_bytes, Access::Read).map_err(LoadError::Memory)?;
        for section in &headers.sections {
            memory.protect(section.image.clone(), access(section)).map_err(LoadError::Memory)?;
        }
        let exceptions = fault::register(name, &memory, headers.functions.clone(), &scopes)?;
        Ok(Self { headers, scopes, _exceptions: exceptions, memory })
    }

    /// DriverEntry. It may be called once, before [`Image::discard_init`].
    pub fn entry(&self) -> DriverEntry {
        self.memory.driver_entry(self.headers.entry)
    }

    /// Takes away what is only needed until DriverEntry has returned, so that a later use faults.
    ///
    /// # Errors
    /// [`LoadError::Memory`] if the system refuses.
    pub fn discard_init(&self) -> Result<(), LoadError> {
        for section in self.headers.sections.iter().filter(|section| section.discardable) {
            self.memory.protect(section.image.clone(), Access::None).map_err(LoadError::Memory)?;
        }
        Ok(())
    }

    /// The addresses that the image covers.
    pub fn range(&self) -> Range<usize> {
        self.memory.address()..self.memory.address() + self.headers.image_bytes
    }

    /// An address in the image as the offset that disassemblers and debug information have; None for other addresses.
    pub fn offset(&self, address: usize) -> Option<usize> {
        self.range().contains(&address).then(|| address - self.memory.address())
    }

    /// The instructions that have an exception handler.
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }
}

fn access(section: &Section) -> Access {
    match (section.writable, section.executable) {
        (true, _) => Access::ReadWrite,
        (false, true) => Access::ReadExecute,
        (false, false) => Access::Read,
    }
}
