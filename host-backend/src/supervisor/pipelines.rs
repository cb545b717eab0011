//! The file of pipelines in the daemon's cache folder: workers read it when they start, and what they send later is put there.
//!
//! A worker may be in a guest's hands, so what it sends is read as any file is, and written anew from what was understood. The
//! driver's part is opaque: it is kept for drivers that check it, under a header that is checked here.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::pipeline_file::{GpuId, PipelineFile};

/// Where the file is.
pub struct Pipelines {
    path: PathBuf,
    gpu: GpuId,
    /// Held by whoever writes the file.
    writing: Mutex<()>,
}

impl Pipelines {
    /// Makes the folder; none when that fails, which costs time at later starts only.
    pub fn new(folder: &Path, gpu: GpuId) -> Option<Self> {
        if let Err(error) = fs::create_dir_all(folder) {
            log::warn!("pipelines are not kept: {} cannot be made ({error})", folder.display());
            return None;
        }
        Some(Self { path: folder.join(gpu.file_name()), gpu, writing: Mutex::default() })
    }

    /// The file, which may not exist yet.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts what a worker sent into the file, with what other workers have put there meanwhile.
    pub fn save(&self, bytes: &[u8]) {
        let mut file = match PipelineFile::parse(bytes, &self.gpu) {
            Ok(file) => file,
            Err(reason) => {
                log::warn!("a worker's file of pipelines is ignored: {reason}");
                return;
            }
        };
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(known) = fs::read(&self.path)
            && let Ok(known) = PipelineFile::parse(&known, &self.gpu)
        {
            file.merge(known);
        }
        let fresh = self.path.with_extension("new");
        let written = fs::File::create(&fresh)
            .and_then(|mut to| to.write_all(&file.bytes(&self.gpu)))
            // In one step, so that nobody reads half a file.
            .and_then(|()| fs::rename(&fresh, &self.path));
        if let Err(error) = written {
            log::warn!("{} cannot be written: {error}", self.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline_file::{ContentHash, Note};

    fn file(shader: u64) -> PipelineFile {
        let mut shaders = vec![None; 5];
        shaders[0] = Some(ContentHash(shader, 0));
        let note = Note { shaders, targets: vec![[0; 10]; 8], samples: 1, ..Note::default() };
        PipelineFile { notes: vec![note], driver: Vec::new() }
    }

    #[test]
    fn what_workers_send_comes_together() {
        let folder = tempfile::tempdir().expect("a folder");
        let gpu = GpuId::default();
        let pipelines = Pipelines::new(&folder.path().join("below"), gpu).expect("a folder below");
        let notes = || {
            let bytes = fs::read(pipelines.path()).expect("a file");
            PipelineFile::parse(&bytes, &gpu).expect("a sound one").notes.len()
        };
        pipelines.save(&file(1).bytes(&gpu));
        pipelines.save(&file(2).bytes(&gpu));
        pipelines.save(&file(2).bytes(&gpu));
        assert_eq!(notes(), 2);
        pipelines.save(b"nonsense");
        let foreign = GpuId { vendor: 1, ..gpu };
        pipelines.save(&file(3).bytes(&foreign));
        assert_eq!(notes(), 2);
        // A file that somebody has broken is replaced.
        fs::write(pipelines.path(), b"broken").expect("written");
        pipelines.save(&file(4).bytes(&gpu));
        assert_eq!(notes(), 1);
    }
}
