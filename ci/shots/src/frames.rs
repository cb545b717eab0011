//! What happens at each Present: count, save, and stop after the last frame wanted.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// TIMEOUT: how long a program may go on presenting after it was asked to close; the same as in pvgpu's runtime.
const CLOSE_GRACE: Duration = Duration::from_secs(2);

/// A frame as it goes into a PNG file: rows from top to bottom, 3 bytes (red, green, blue) per pixel.
pub struct Picture {
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// `width * height * 3` bytes.
    pub pixels: Vec<u8>,
}

/// What is to be done after a frame.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Go on.
    Continue,
    /// Ask the window to close: the last frame wanted has been presented.
    CloseWindow,
    /// End the process: it was asked to close and still presents.
    EndProcess,
}

/// Counts the frames of one process.
pub struct Frames {
    wanted: Option<u32>,
    folder: Option<PathBuf>,
    progress: Mutex<Progress>,
}

struct Progress {
    presented: u32,
    asked_to_close: Option<Instant>,
}

impl Frames {
    /// Takes the settings from the environment.
    pub fn from_environment() -> Self {
        let wanted = std::env::var("PVGPU_FRAMES").ok().and_then(|text| text.parse().ok());
        Self::new(wanted, std::env::var_os("PVGPU_SHOTS").map(PathBuf::from))
    }

    fn new(wanted: Option<u32>, folder: Option<PathBuf>) -> Self {
        Self { wanted, folder, progress: Mutex::new(Progress { presented: 0, asked_to_close: None }) }
    }

    /// Notes one Present; `picture` reads the back buffer and is called only for a frame that is to be saved.
    ///
    /// A frame that cannot be saved is reported on standard error and counts as presented.
    pub fn on_present(&self, picture: impl FnOnce() -> Result<Picture, String>) -> Next {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(asked) = progress.asked_to_close {
            return if asked.elapsed() < CLOSE_GRACE { Next::Continue } else { Next::EndProcess };
        }
        progress.presented += 1;
        if let Some(folder) = &self.folder {
            let file = folder.join(format!("frame-{:05}.png", progress.presented));
            let saved = picture().and_then(|picture| encode(&picture)).and_then(|png| {
                std::fs::write(&file, png)
                    .map_err(|error| format!("cannot write {}: {error}", file.display()))
            });
            if let Err(message) = saved {
                eprintln!("pvgpu-shots: frame {}: {message}", progress.presented);
            }
        }
        if self.wanted.is_some_and(|wanted| progress.presented >= wanted) {
            progress.asked_to_close = Some(Instant::now());
            return Next::CloseWindow;
        }
        Next::Continue
    }
}

fn encode(picture: &Picture) -> Result<Vec<u8>, String> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, picture.width, picture.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Fast);
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&picture.pixels))
        .map_err(|error| format!("cannot encode the picture: {error}"))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_picture() -> Result<Picture, String> {
        panic!("no frame is saved, so none is read")
    }

    #[test]
    fn the_window_is_closed_once_after_the_last_frame() {
        let frames = Frames::new(Some(2), None);
        let next = [(); 4].map(|()| frames.on_present(no_picture));
        assert_eq!(next, [Next::Continue, Next::CloseWindow, Next::Continue, Next::Continue]);
    }

    #[test]
    fn without_a_number_it_goes_on() {
        let frames = Frames::new(None, None);
        assert!((0..100).all(|_| frames.on_present(no_picture) == Next::Continue));
    }

    #[test]
    fn pictures_survive_the_file() {
        let pixels: Vec<u8> = (0..18).collect();
        let file = encode(&Picture { width: 3, height: 2, pixels: pixels.clone() }).expect("encodes");
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().expect("a PNG file");
        let mut read = vec![0; 18];
        reader.next_frame(&mut read).expect("a whole frame");
        assert_eq!(read, pixels);
    }
}
