//! PNG files of presented frames.

/// The name of the file of frame `number`, counted from 1.
pub fn file_name(number: u32) -> String {
    format!("frame-{number:05}.png")
}

/// Drops the fourth byte of each pixel and swaps the first with the third: B8G8R8A8 to R8G8B8.
pub fn bgra_to_rgb(bgra: &[u8]) -> Vec<u8> {
    let (pixels, _) = bgra.as_chunks::<4>();
    pixels.iter().flat_map(|&[blue, green, red, _]| [red, green, blue]).collect()
}

/// A PNG file of `width * height` B8G8R8A8 pixels, first row on top; alpha is left out, because windows have none.
///
/// # Errors
/// When the encoder refuses, for example a picture without pixels or data of another size.
pub fn png(width: u32, height: u32, bgra: &[u8]) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Fast);
    encoder.write_header()?.write_image_data(&bgra_to_rgb(bgra))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_in_order_of_present() {
        assert_eq!(file_name(1), "frame-00001.png");
        assert_eq!(file_name(123_456), "frame-123456.png");
    }

    #[test]
    fn a_file_has_the_pixels_that_went_in() {
        let bgra = [1, 2, 3, 0, 4, 5, 6, 255];
        let file = png(2, 1, &bgra).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
        let mut rgb = [0; 6];
        let info = reader.next_frame(&mut rgb).unwrap();
        assert_eq!((info.width, info.height, rgb), (2, 1, [3, 2, 1, 6, 5, 4]));
    }

    #[test]
    fn wrong_sizes_are_refused() {
        assert!(png(2, 2, &[0; 4]).is_err());
        assert!(png(0, 0, &[]).is_err());
    }
}
