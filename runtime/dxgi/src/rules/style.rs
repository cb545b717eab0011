//! Window styles while a swap chain is full-screen: the window loses whatever draws a frame, and is on top.

/// `WS_POPUP`, `WS_BORDER`, `WS_DLGFRAME`, `WS_SYSMENU`, `WS_THICKFRAME`, `WS_MINIMIZEBOX`, `WS_MAXIMIZEBOX`.
const FRAME: u32 =
    0x8000_0000 | 0x0080_0000 | 0x0040_0000 | 0x0008_0000 | 0x0004_0000 | 0x0002_0000 | 0x0001_0000;
/// `WS_EX_DLGMODALFRAME`, `WS_EX_TOOLWINDOW`, `WS_EX_WINDOWEDGE`, `WS_EX_CLIENTEDGE`, `WS_EX_CONTEXTHELP`.
const EXTENDED_FRAME: u32 = 0x1 | 0x80 | 0x100 | 0x200 | 0x400;
/// `WS_EX_TOPMOST`.
const TOPMOST: u32 = 0x8;

/// The style of a window whose style is `style`, while it covers a monitor.
pub fn full_screen(style: u32) -> u32 {
    style & !FRAME
}

/// The same for extended styles.
pub fn full_screen_extended(style: u32) -> u32 {
    style & !EXTENDED_FRAME | TOPMOST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_frame_goes() {
        // WS_OVERLAPPEDWINDOW, WS_VISIBLE and WS_CLIPSIBLINGS.
        assert_eq!(full_screen(0x00cf_0000 | 0x1000_0000 | 0x0400_0000), 0x1400_0000);
        // WS_POPUP, WS_DISABLED and WS_CLIPCHILDREN.
        assert_eq!(full_screen(0x8000_0000 | 0x0800_0000 | 0x0200_0000), 0x0a00_0000);
        // WS_EX_APPWINDOW stays, WS_EX_WINDOWEDGE goes.
        assert_eq!(full_screen_extended(0x4_0000 | 0x100), 0x4_0008);
    }
}
