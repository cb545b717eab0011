//! Swap-chain descriptions: which are allowed, what `ResizeBuffers` may change, which buffers exist.
//!
//! Sources: the DXGI pages of `DXGI_SWAP_CHAIN_DESC1`, `DXGI_SWAP_EFFECT`, `IDXGISwapChain::ResizeBuffers` and
//! `IDXGISwapChain::GetBuffer`.

use core::fmt;

use super::format;

/// `DXGI_MAX_SWAP_CHAIN_BUFFERS`.
pub const MAX_BUFFERS: u32 = 16;
/// Largest width and height of a back buffer: `D3D11_REQ_TEXTURE2D_U_OR_V_DIMENSION`.
pub const MAX_SIZE: u32 = 16384;

/// Width and height of the back buffers for a window whose client area is empty.
pub const EMPTY_WINDOW_SIZE: u32 = 8;

/// `DXGI_SWAP_CHAIN_FLAG` bits that matter here.
pub mod flag {
    /// `DXGI_SWAP_CHAIN_FLAG_NONPREROTATED`.
    pub const NONPREROTATED: u32 = 1;
    /// `DXGI_SWAP_CHAIN_FLAG_ALLOW_MODE_SWITCH`.
    pub const ALLOW_MODE_SWITCH: u32 = 2;
    /// `DXGI_SWAP_CHAIN_FLAG_GDI_COMPATIBLE`.
    pub const GDI_COMPATIBLE: u32 = 4;
    /// `DXGI_SWAP_CHAIN_FLAG_FRAME_LATENCY_WAITABLE_OBJECT`.
    pub const FRAME_LATENCY_WAITABLE_OBJECT: u32 = 64;
    /// `DXGI_SWAP_CHAIN_FLAG_ALLOW_TEARING`.
    pub const ALLOW_TEARING: u32 = 2048;
    /// Flags that can be served; the others ask for protected content, video or holographic displays.
    pub const SUPPORTED: u32 =
        NONPREROTATED | ALLOW_MODE_SWITCH | GDI_COMPATIBLE | FRAME_LATENCY_WAITABLE_OBJECT | ALLOW_TEARING;
    /// Flags that stay as they were when the swap chain was made.
    pub const FIXED: u32 = FRAME_LATENCY_WAITABLE_OBJECT | ALLOW_TEARING;
}

/// `DXGI_USAGE` bits that tell of back buffers.
mod usage {
    /// `DXGI_USAGE_BACK_BUFFER`.
    pub const BACK_BUFFER: u32 = 0x40;
    /// `DXGI_USAGE_READ_ONLY`.
    pub const READ_ONLY: u32 = 0x100;
    /// `DXGI_USAGE_DISCARD_ON_PRESENT`.
    pub const DISCARD_ON_PRESENT: u32 = 0x200;
}

/// `DXGI_SWAP_EFFECT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Blit model; the back buffer's contents are undefined after Present.
    Discard,
    /// Blit model; contents are kept, buffers take turns.
    Sequential,
    /// Flip model; buffers take turns.
    FlipSequential,
    /// Flip model; contents are undefined after Present.
    FlipDiscard,
}

impl Effect {
    /// The effect that `value` of the enumeration means; 2 is none.
    pub fn from_value(value: i32) -> Option<Self> {
        match value {
            0 => Some(Self::Discard),
            1 => Some(Self::Sequential),
            3 => Some(Self::FlipSequential),
            4 => Some(Self::FlipDiscard),
            _ => None,
        }
    }

    /// The value in the enumeration.
    pub fn value(self) -> i32 {
        match self {
            Self::Discard => 0,
            Self::Sequential => 1,
            Self::FlipSequential => 3,
            Self::FlipDiscard => 4,
        }
    }

    /// Whether it belongs to the flip model.
    pub fn is_flip(self) -> bool {
        matches!(self, Self::FlipSequential | Self::FlipDiscard)
    }
}

/// `DXGI_SCALING`: what happens when window and back buffer differ in size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scaling {
    /// Fill the window.
    Stretch,
    /// Top left, unscaled; the rest of the window shows the background colour.
    None,
    /// Fill the window as far as the aspect ratio allows.
    AspectRatioStretch,
}

impl Scaling {
    /// The scaling that `value` of the enumeration means.
    pub fn from_value(value: i32) -> Option<Self> {
        match value {
            0 => Some(Self::Stretch),
            1 => Some(Self::None),
            2 => Some(Self::AspectRatioStretch),
            _ => None,
        }
    }

    /// The value in the enumeration.
    pub fn value(self) -> i32 {
        match self {
            Self::Stretch => 0,
            Self::None => 1,
            Self::AspectRatioStretch => 2,
        }
    }
}

/// What an application asks of a swap chain, as in `DXGI_SWAP_CHAIN_DESC1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Texels; 0 means the window's client area.
    pub width: u32,
    /// Texels; 0 means the window's client area.
    pub height: u32,
    /// `DXGI_FORMAT`.
    pub format: u32,
    /// Two images, one for each eye.
    pub stereo: bool,
    /// Samples per texel.
    pub sample_count: u32,
    /// Quality level of the samples.
    pub sample_quality: u32,
    /// `DXGI_USAGE` bits.
    pub usage: u32,
    /// Buffers, for the flip model the one on the screen included.
    pub buffer_count: u32,
    /// `DXGI_SCALING`.
    pub scaling: i32,
    /// `DXGI_SWAP_EFFECT`.
    pub effect: i32,
    /// `DXGI_ALPHA_MODE`.
    pub alpha_mode: i32,
    /// `DXGI_SWAP_CHAIN_FLAG` bits.
    pub flags: u32,
}

/// A swap chain's description once it is known to be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Texels, at least 1.
    pub width: u32,
    /// Texels, at least 1.
    pub height: u32,
    /// `DXGI_FORMAT`.
    pub format: u32,
    /// Samples per texel.
    pub sample_count: u32,
    /// Quality level of the samples.
    pub sample_quality: u32,
    /// `DXGI_USAGE` bits.
    pub usage: u32,
    /// As requested; see [`Chain::textures`].
    pub buffer_count: u32,
    /// What happens when window and back buffer differ in size.
    pub scaling: Scaling,
    /// Blit or flip model.
    pub effect: Effect,
    /// `DXGI_ALPHA_MODE`, unspecified or ignore.
    pub alpha_mode: i32,
    /// `DXGI_SWAP_CHAIN_FLAG` bits.
    pub flags: u32,
}

/// Why a description or a change is refused; `DXGI_ERROR_INVALID_CALL` unless a variant says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// No such swap effect.
    Effect(i32),
    /// No such scaling, or not in this model.
    Scaling(i32),
    /// Too few or too many buffers for the model.
    BufferCount(u32),
    /// Not a format for back buffers of this model; no format at all is an `E_INVALIDARG`.
    Format(u32),
    /// As before, for a new chain of the blit model. `E_INVALIDARG`.
    BlitFormat(u32),
    /// Samples other than 1 in the flip model, or none at all.
    SampleCount(u32),
    /// Wider or higher than textures can be.
    Size(u32, u32),
    /// Alpha with meaning, which only composition swap chains have.
    AlphaMode(i32),
    /// Stereo needs a display that shows it. `DXGI_ERROR_UNSUPPORTED`.
    Stereo,
    /// Flags that cannot be served. `DXGI_ERROR_UNSUPPORTED`.
    Flags(u32),
    /// Tearing and the waitable object belong to the flip model.
    FlipFlags(u32),
    /// Flags that must stay as they were.
    FixedFlags(u32),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Effect(value) => write!(f, "there is no swap effect {value}"),
            Self::Scaling(value) => write!(f, "scaling {value} does not exist or needs the flip model"),
            Self::BufferCount(count) => {
                write!(
                    f,
                    "{count} buffers; the blit model takes 1 to {MAX_BUFFERS}, the flip model 2 to {MAX_BUFFERS}"
                )
            }
            Self::Format(format) | Self::BlitFormat(format) => {
                write!(f, "format {format} is not one of back buffers of this model")
            }
            Self::SampleCount(count) => write!(f, "{count} samples per texel; the flip model takes 1 only"),
            Self::Size(width, height) => write!(f, "{width}x{height} is larger than {MAX_SIZE}x{MAX_SIZE}"),
            Self::AlphaMode(mode) => write!(f, "alpha mode {mode} needs a composition swap chain"),
            Self::Stereo => f.write_str("stereo swap chains are not supported"),
            Self::Flags(flags) => write!(f, "swap chain flags {flags:#x} are not supported"),
            Self::FlipFlags(flags) => write!(f, "swap chain flags {flags:#x} need the flip model"),
            Self::FixedFlags(flags) => write!(f, "swap chain flags {flags:#x} cannot be changed later"),
        }
    }
}

impl std::error::Error for Broken {}

/// Fails with `broken` unless `rule` holds.
fn require(rule: bool, broken: Broken) -> Result<(), Broken> {
    if rule { Ok(()) } else { Err(broken) }
}

impl Request {
    /// Checks the request; `client` is the size of the window's client area, used where the request leaves a size open.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self, client: (u32, u32)) -> Result<Chain, Broken> {
        let effect = Effect::from_value(self.effect).ok_or(Broken::Effect(self.effect))?;
        let flip = effect.is_flip();
        let scaling = Scaling::from_value(self.scaling).ok_or(Broken::Scaling(self.scaling))?;
        require(flip || scaling == Scaling::Stretch, Broken::Scaling(self.scaling))?;
        check_buffer_count(self.buffer_count, flip)?;
        let broken = if flip { Broken::Format } else { Broken::BlitFormat };
        require(format::is_presentable(self.format, flip), broken(self.format))?;
        require(self.sample_count >= 1, Broken::SampleCount(self.sample_count))?;
        require(
            !flip || (self.sample_count, self.sample_quality) == (1, 0),
            Broken::SampleCount(self.sample_count),
        )?;
        require(matches!(self.alpha_mode, 0 | 3), Broken::AlphaMode(self.alpha_mode))?;
        require(!self.stereo, Broken::Stereo)?;
        check_flags(self.flags, flip)?;
        let (width, height) = check_size(self.width, self.height, client)?;
        Ok(Chain {
            width,
            height,
            format: self.format,
            sample_count: self.sample_count,
            sample_quality: self.sample_quality,
            usage: self.usage,
            buffer_count: self.buffer_count,
            scaling,
            effect,
            alpha_mode: self.alpha_mode,
            flags: self.flags,
        })
    }
}

fn check_buffer_count(count: u32, flip: bool) -> Result<(), Broken> {
    let fewest = if flip { 2 } else { 1 };
    require((fewest..=MAX_BUFFERS).contains(&count), Broken::BufferCount(count))
}

fn check_flags(flags: u32, flip: bool) -> Result<(), Broken> {
    require(flags & !flag::SUPPORTED == 0, Broken::Flags(flags & !flag::SUPPORTED))?;
    require(flip || flags & flag::FIXED == 0, Broken::FlipFlags(flags & flag::FIXED))
}

/// The size to use: zeros are taken from the window.
fn check_size(width: u32, height: u32, client: (u32, u32)) -> Result<(u32, u32), Broken> {
    let or_client = |length, client| match (length, client) {
        (0, 0) => EMPTY_WINDOW_SIZE,
        (0, client) => client,
        (length, _) => length,
    };
    let (width, height) = (or_client(width, client.0), or_client(height, client.1));
    require(width <= MAX_SIZE && height <= MAX_SIZE, Broken::Size(width, height))?;
    Ok((width, height))
}

impl Chain {
    /// What the chain becomes by `ResizeBuffers`: 0 buffers and no format keep what it has.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn resized(
        &self,
        buffer_count: u32,
        (width, height): (u32, u32),
        new_format: u32,
        flags: u32,
        client: (u32, u32),
    ) -> Result<Self, Broken> {
        let flip = self.effect.is_flip();
        let mut chain = *self;
        if buffer_count != 0 {
            check_buffer_count(buffer_count, flip)?;
            chain.buffer_count = buffer_count;
        }
        if new_format != format::UNKNOWN {
            require(format::is_presentable(new_format, flip), Broken::Format(new_format))?;
            chain.format = new_format;
        }
        check_flags(flags, flip)?;
        let changed = (flags ^ self.flags) & flag::FIXED;
        require(changed == 0, Broken::FixedFlags(changed))?;
        chain.flags = flags;
        (chain.width, chain.height) = check_size(width, height, client)?;
        Ok(chain)
    }

    /// Textures to make: one is enough where only buffer 0 can be reached and its contents end with Present.
    pub fn textures(&self) -> u32 {
        if self.effect == Effect::Discard { 1 } else { self.buffer_count }
    }

    /// Whether the buffers take turns after Present.
    pub fn rotates(&self) -> bool {
        self.textures() > 1
    }

    /// The buffers that the application may have: only those of effects that keep contents, else the first.
    pub fn accessible(&self) -> u32 {
        if matches!(self.effect, Effect::Sequential | Effect::FlipSequential) { self.buffer_count } else { 1 }
    }

    /// `DXGI_USAGE` of buffer `number`: what was asked for, and what it is. All but the first are there to be read only.
    pub fn buffer_usage(&self, number: u32) -> u32 {
        let discarded = matches!(self.effect, Effect::Discard | Effect::FlipDiscard);
        let read_only = if number == 0 { 0 } else { usage::READ_ONLY };
        let kept = if discarded { usage::DISCARD_ON_PRESENT } else { 0 };
        self.usage | usage::BACK_BUFFER | read_only | kept
    }

    /// Whether GDI may draw to the first buffer.
    pub fn is_gdi_compatible(&self) -> bool {
        self.flags & flag::GDI_COMPATIBLE != 0
    }

    /// Whether full-screen may change the display mode.
    pub fn allows_mode_switch(&self) -> bool {
        self.flags & flag::ALLOW_MODE_SWITCH != 0
    }

    /// Whether the application asked for the frame-latency waitable object.
    pub fn is_waitable(&self) -> bool {
        self.flags & flag::FRAME_LATENCY_WAITABLE_OBJECT != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: (u32, u32) = (640, 480);

    fn request(effect: i32, buffer_count: u32) -> Request {
        Request {
            width: 0,
            height: 0,
            format: format::R8G8B8A8_UNORM,
            stereo: false,
            sample_count: 1,
            sample_quality: 0,
            usage: 0x20,
            buffer_count,
            scaling: 0,
            effect,
            alpha_mode: 0,
            flags: 0,
        }
    }

    #[test]
    fn buffer_counts_follow_the_model() {
        let table = [
            (0, 0, false),
            (0, 1, true),
            (0, 2, true),
            (0, 16, true),
            (0, 17, false),
            (1, 0, false),
            (1, 1, true),
            (1, 16, true),
            (1, 17, false),
            (3, 1, false),
            (3, 2, true),
            (3, 16, true),
            (3, 17, false),
            (4, 0, false),
            (4, 1, false),
            (4, 2, true),
            (4, 17, false),
            (2, 2, false),
            (5, 2, false),
            (-1, 2, false),
        ];
        for (effect, count, allowed) in table {
            assert_eq!(
                request(effect, count).check(CLIENT).is_ok(),
                allowed,
                "effect {effect}, {count} buffers"
            );
        }
    }

    #[test]
    fn formats_follow_the_model() {
        for format in 0..=132 {
            let blit = Request { format, ..request(0, 1) }.check(CLIENT).is_ok();
            let flip = Request { format, ..request(4, 2) }.check(CLIENT).is_ok();
            assert_eq!(blit, [10, 24, 28, 29, 87, 88, 91, 93].contains(&format), "blit, format {format}");
            assert_eq!(flip, [10, 24, 28, 87].contains(&format), "flip, format {format}");
        }
    }

    #[test]
    fn samples_scaling_alpha_stereo_and_flags_are_checked() {
        let blit = request(0, 1);
        let flip = request(3, 2);
        assert!(Request { sample_count: 4, ..blit }.check(CLIENT).is_ok());
        assert_eq!(Request { sample_count: 4, ..flip }.check(CLIENT), Err(Broken::SampleCount(4)));
        assert_eq!(Request { sample_count: 0, ..blit }.check(CLIENT), Err(Broken::SampleCount(0)));
        assert_eq!(Request { scaling: 1, ..blit }.check(CLIENT), Err(Broken::Scaling(1)));
        assert!(Request { scaling: 1, ..flip }.check(CLIENT).is_ok());
        assert!(Request { scaling: 2, ..flip }.check(CLIENT).is_ok());
        assert_eq!(Request { scaling: 3, ..flip }.check(CLIENT), Err(Broken::Scaling(3)));
        assert_eq!(Request { alpha_mode: 1, ..flip }.check(CLIENT), Err(Broken::AlphaMode(1)));
        assert!(Request { alpha_mode: 3, ..flip }.check(CLIENT).is_ok());
        assert_eq!(Request { stereo: true, ..flip }.check(CLIENT), Err(Broken::Stereo));
        assert_eq!(Request { flags: 1024, ..flip }.check(CLIENT), Err(Broken::Flags(1024)));
        assert_eq!(Request { flags: 64 | 2, ..blit }.check(CLIENT), Err(Broken::FlipFlags(64)));
        assert!(Request { flags: 64 | 2048, ..flip }.check(CLIENT).is_ok());
    }

    #[test]
    fn open_sizes_come_from_the_window() {
        let size = |width, height, client| {
            let chain = Request { width, height, ..request(0, 1) }.check(client);
            chain.map(|chain| (chain.width, chain.height))
        };
        assert_eq!(size(0, 0, CLIENT), Ok(CLIENT));
        assert_eq!(size(320, 0, CLIENT), Ok((320, 480)));
        assert_eq!(size(0, 0, (0, 0)), Ok((8, 8)));
        assert_eq!(size(MAX_SIZE + 1, 1, CLIENT), Err(Broken::Size(MAX_SIZE + 1, 1)));
    }

    #[test]
    fn resizing_keeps_what_is_left_open() {
        let chain = Request { flags: 64, ..request(4, 3) }.check(CLIENT).unwrap();
        let resized = chain.resized(0, (800, 600), format::UNKNOWN, 64, CLIENT).unwrap();
        assert_eq!(resized, Chain { width: 800, height: 600, ..chain });
        let resized = chain.resized(2, (0, 0), format::B8G8R8A8_UNORM, 64 | 2, (10, 20)).unwrap();
        let expected = Chain { width: 10, height: 20, buffer_count: 2, format: 87, flags: 66, ..chain };
        assert_eq!(resized, expected);
        assert_eq!(chain.resized(0, (0, 0), 0, 0, CLIENT), Err(Broken::FixedFlags(64)));
        assert_eq!(chain.resized(1, (0, 0), 0, 64, CLIENT), Err(Broken::BufferCount(1)));
        assert_eq!(chain.resized(0, (0, 0), 29, 64, CLIENT), Err(Broken::Format(29)));
    }

    #[test]
    fn textures_exist_where_they_can_be_reached() {
        let textures = |effect, count| {
            let chain = request(effect, count).check(CLIENT).unwrap();
            (chain.textures(), chain.rotates())
        };
        assert_eq!(textures(0, 3), (1, false));
        assert_eq!(textures(1, 1), (1, false));
        assert_eq!(textures(1, 3), (3, true));
        assert_eq!(textures(3, 2), (2, true));
        assert_eq!(textures(4, 3), (3, true));
    }
}
