//! What the headers say: how large the image is and where its sections and tables lie, all checked.

use std::ops::Range;

use goblin::pe::data_directories::DataDirectory;
use goblin::pe::header::{COFF_MACHINE_X86_64, Header, SIZEOF_COFF_HEADER, SIZEOF_PE_MAGIC};
use goblin::pe::optional_header::MAGIC_64;
use goblin::pe::section_table::{
    IMAGE_SCN_MEM_DISCARDABLE, IMAGE_SCN_MEM_EXECUTE, IMAGE_SCN_MEM_WRITE, SectionTable,
};
use goblin::pe::subsystem::IMAGE_SUBSYSTEM_NATIVE;

use crate::LoadError;

/// Bytes of a page.
pub const PAGE: usize = 4096;
/// No driver is larger.
const LARGEST_IMAGE: usize = 64 << 20;

/// Where everything lies, in bytes from the image's start.
#[derive(Debug)]
pub struct Headers {
    /// Bytes of the image, a multiple of a page.
    pub image_bytes: usize,
    /// The address for which the image was linked.
    pub preferred_base: u64,
    /// Bytes of the headers, which lie at the image's start as in the file.
    pub header_bytes: usize,
    /// DriverEntry.
    pub entry: usize,
    /// The sections in ascending order.
    pub sections: Vec<Section>,
    /// IMAGE_IMPORT_DESCRIPTORs.
    pub imports: Range<usize>,
    /// IMAGE_BASE_RELOCATION blocks.
    pub relocations: Range<usize>,
    /// RUNTIME_FUNCTIONs.
    pub functions: Range<usize>,
}

/// A section.
#[derive(Debug)]
pub struct Section {
    /// Where it lies in the image; ends on a page.
    pub image: Range<usize>,
    /// Where its bytes lie in the file; what follows them in the image is zero.
    pub file: Range<usize>,
    /// It can be written.
    pub writable: bool,
    /// It holds code.
    pub executable: bool,
    /// It is needed until DriverEntry returns.
    pub discardable: bool,
}

impl Headers {
    /// Reads and checks the headers of a file.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn read(file: &[u8]) -> Result<Self, LoadError> {
        let header = Header::parse(file).map_err(|error| LoadError::Headers(error.to_string()))?;
        if header.coff_header.machine != COFF_MACHINE_X86_64 {
            return Err(LoadError::NotADriver("it is for another processor"));
        }
        let optional = header.optional_header.ok_or(LoadError::NotADriver("it is an object file"))?;
        let windows = optional.windows_fields;
        if optional.standard_fields.magic != MAGIC_64 {
            return Err(LoadError::NotADriver("it is not PE32+"));
        }
        if windows.subsystem != IMAGE_SUBSYSTEM_NATIVE {
            return Err(LoadError::NotADriver("it is a program or a library"));
        }
        let image_bytes = number("SizeOfImage", windows.size_of_image, |bytes| {
            bytes.is_multiple_of(PAGE) && (PAGE..=LARGEST_IMAGE).contains(&bytes)
        })?;
        let header_bytes = number("SizeOfHeaders", windows.size_of_headers, |bytes| {
            bytes <= file.len() && bytes <= image_bytes
        })?;
        number("SectionAlignment", windows.section_alignment, |bytes| bytes == PAGE)?;

        // CAST: both are 32-bit or smaller numbers of a file that is in memory.
        let mut table = header.dos_header.pe_pointer as usize
            + SIZEOF_PE_MAGIC
            + SIZEOF_COFF_HEADER
            + header.coff_header.size_of_optional_header as usize;
        let sections = header
            .coff_header
            .sections(file, &mut table)
            .map_err(|error| LoadError::Headers(error.to_string()))?;
        let sections = sections_in_order(&sections, file.len(), header_bytes, image_bytes)?;

        let entry = number("AddressOfEntryPoint", optional.standard_fields.address_of_entry_point, |at| {
            sections.iter().any(|section| section.executable && section.image.contains(&at))
        })?;
        let directories = &optional.data_directories;
        let table = |name, directory: Option<&DataDirectory>| range(name, directory, image_bytes);
        Ok(Self {
            image_bytes,
            preferred_base: windows.image_base,
            header_bytes,
            entry,
            imports: table("imports", directories.get_import_table())?,
            relocations: table("relocations", directories.get_base_relocation_table())?,
            functions: table("unwind tables", directories.get_exception_table())?,
            sections,
        })
    }

    /// The image as the file has it: headers and sections in their places, nothing relocated or bound.
    ///
    /// # Errors
    /// None after [`Headers::read`] of the same file.
    pub fn place(&self, file: &[u8]) -> Result<Vec<u8>, LoadError> {
        let mut image = vec![0; self.image_bytes];
        let parts = self.sections.iter().map(|section| (section.image.start, &section.file));
        for (start, source) in parts.chain([(0, &(0..self.header_bytes))]) {
            let bytes = file.get(source.clone());
            let place = image.get_mut(start..).and_then(|rest| rest.get_mut(..source.len()));
            let (Some(bytes), Some(place)) = (bytes, place) else {
                return Err(LoadError::Table { name: "sections", offset: start });
            };
            place.copy_from_slice(bytes);
        }
        Ok(image)
    }
}

/// A number of the headers that must be right.
fn number(what: &'static str, value: u32, is_right: impl FnOnce(usize) -> bool) -> Result<usize, LoadError> {
    match usize::try_from(value) {
        Ok(value) if is_right(value) => Ok(value),
        _ => Err(LoadError::Size { what, value: value.into() }),
    }
}

/// Where a table lies; an absent one is empty.
fn range(
    name: &'static str,
    directory: Option<&DataDirectory>,
    image_bytes: usize,
) -> Result<Range<usize>, LoadError> {
    let Some(directory) = directory else { return Ok(0..0) };
    // CAST: u32 to usize on a 64-bit machine.
    let (start, bytes) = (directory.virtual_address as usize, directory.size as usize);
    match start.checked_add(bytes) {
        Some(end) if end <= image_bytes => Ok(start..end),
        _ => Err(LoadError::Table { name, offset: start }),
    }
}

fn sections_in_order(
    table: &[SectionTable],
    file_bytes: usize,
    header_bytes: usize,
    image_bytes: usize,
) -> Result<Vec<Section>, LoadError> {
    let mut sections: Vec<Section> = Vec::with_capacity(table.len());
    for entry in table {
        let name = String::from_utf8_lossy(&entry.name).trim_end_matches('\0').to_owned();
        let wrong = |why| LoadError::Section { name: name.clone(), why };
        // CAST: u32 to usize on a 64-bit machine.
        let (start, bytes) = (entry.virtual_address as usize, entry.virtual_size as usize);
        let (raw, raw_bytes) = (entry.pointer_to_raw_data as usize, entry.size_of_raw_data as usize);
        let end = start.checked_add(bytes).and_then(|end| end.checked_next_multiple_of(PAGE));
        let end = end.filter(|&end| end <= image_bytes && bytes > 0);
        let end = end.ok_or_else(|| wrong("it does not lie in the image"))?;
        let floor = sections.last().map_or(header_bytes, |last| last.image.end);
        if !start.is_multiple_of(PAGE) || start < floor {
            return Err(wrong("it overlaps what comes before"));
        }
        // What lies behind the section's own bytes fills the file up to its alignment.
        if raw.checked_add(raw_bytes).is_none_or(|end| end > file_bytes) {
            return Err(wrong("it does not lie in the file"));
        }
        let file_end = raw + raw_bytes.min(bytes);
        let has = |flag| entry.characteristics & flag != 0;
        let section = Section {
            image: start..end,
            file: raw..file_end,
            writable: has(IMAGE_SCN_MEM_WRITE),
            executable: has(IMAGE_SCN_MEM_EXECUTE),
            discardable: has(IMAGE_SCN_MEM_DISCARDABLE),
        };
        if section.writable && section.executable {
            return Err(wrong("it is writable and executable"));
        }
        sections.push(section);
    }
    Ok(sections)
}
