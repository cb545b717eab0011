//! An aperture as a file of cells: how a supervisor looks at memory that it does not map.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// A file of 64-bit little-endian cells. Reading and writing it cannot crash whoever does it, whatever the other side does
/// to the file meanwhile.
#[derive(Debug)]
pub struct CellFile(File);

impl CellFile {
    /// The cells of a file.
    pub fn new(file: File) -> Self {
        Self(file)
    }

    /// Bytes of the file now.
    ///
    /// # Errors
    /// What the system said.
    #[expect(clippy::len_without_is_empty, reason = "an empty file is one of many wrong sizes")]
    pub fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    /// Reads one cell.
    ///
    /// # Errors
    /// What the system said; `UnexpectedEof` when the file is too short.
    pub fn read_cell(&self, index: usize) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.0.read_exact_at(&mut bytes, index as u64 * 8)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// Writes one cell. The file must not grow by it, so a cell outside is refused.
    ///
    /// # Errors
    /// What the system said; `UnexpectedEof` when the file is too short.
    pub fn write_cell(&self, index: usize, value: u64) -> io::Result<()> {
        if self.len()? < (index as u64 + 1) * 8 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.0.write_all_at(&value.to_le_bytes(), index as u64 * 8)
    }

    /// The file itself, to be mapped or handed to a worker process.
    pub fn as_file(&self) -> &File {
        &self.0
    }
}
