//! Moving pictures to measure with, made from a seed: a desktop program and a game.

use pvgpu_transport::tiles::Geometry;

/// Small, fast, the same everywhere.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: u32) -> u32 {
        (((self.next() >> 32) * u64::from(bound)) >> 32) as u32
    }
}

type Colour = [u8; 3];

/// A picture of `B8G8R8A8` texels without padding.
struct Frame {
    width: u32,
    height: u32,
    bytes: Vec<u8>,
}

impl Frame {
    fn new(size: Size) -> Self {
        let (width, height) = size;
        Self { width, height, bytes: vec![0; (width * height * 4) as usize] }
    }

    fn put(&mut self, x: u32, y: u32, [b, g, r]: Colour) {
        if x < self.width && y < self.height {
            let at = ((y * self.width + x) * 4) as usize;
            self.bytes[at..at + 4].copy_from_slice(&[b, g, r, 255]);
        }
    }

    fn fill(&mut self, x: u32, y: u32, width: u32, height: u32, colour: Colour) {
        for y in y..(y + height).min(self.height) {
            for x in x..(x + width).min(self.width) {
                self.put(x, y, colour);
            }
        }
    }
}

type Size = (u32, u32);
const GLYPH: Size = (8, 14);

/// Letters: strokes with soft edges.
struct Font(Vec<[u8; 8 * 14]>);

impl Font {
    fn new() -> Self {
        let mut random = Random::new(5);
        let glyph = |_| {
            let mut glyph = [0u8; 8 * 14];
            for _ in 0..2 + random.below(3) {
                let (vertical, at) = (random.below(2) == 0, random.below(5) + 1);
                for step in random.below(4)..5 + random.below(4) {
                    let (x, y) = if vertical { (at, step + 2) } else { (step.min(6), at * 2) };
                    glyph[(y * 8 + x) as usize] = 255;
                    if random.below(3) == 0 {
                        let beside = &mut glyph[(y * 8 + (x + 1).min(7)) as usize];
                        *beside = (*beside).max(60 + random.below(120) as u8);
                    }
                }
            }
            glyph
        };
        Self((0..64).map(glyph).collect())
    }

    /// Writes a line, whose words follow from `text`.
    fn line(&self, frame: &mut Frame, (x, y): Size, text: u32, letters: u32, ink: Colour, paper: Colour) {
        let mut random = Random::new(text.into());
        for letter in 0..letters {
            let is_space = random.below(6) == 0;
            let glyph = &self.0[random.below(self.0.len() as u32) as usize];
            for (at, cover) in (0..).zip(glyph).filter(|(_, cover)| !is_space && **cover != 0) {
                let cover = u32::from(*cover);
                let mix = |channel: usize| {
                    let (ink, paper) = (u32::from(ink[channel]), u32::from(paper[channel]));
                    ((ink * cover + paper * (255 - cover)) / 255) as u8
                };
                let (left, top) = (x + letter * GLYPH.0, y);
                frame.put(left + at % GLYPH.0, top + at / GLYPH.0, [mix(0), mix(1), mix(2)]);
            }
        }
    }
}

/// What moves in a scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scene {
    /// An editor in which a caret blinks and a clock counts.
    Typing,
    /// The same editor, whose text scrolls by three rows a frame.
    Scrolling,
    /// A landscape that moves by, sprites, a panel that stands still.
    Game,
    /// The same with noise in the lowest two bits, as film grain or dithering make it.
    Grain,
}

impl Scene {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Typing, Self::Scrolling, Self::Game, Self::Grain];

    /// What tables call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Typing => "typing",
            Self::Scrolling => "scrolling",
            Self::Game => "game",
            Self::Grain => "game, grain",
        }
    }

    /// Some frames of it, one after the other, without padding.
    pub fn frames(self, size: Size, count: u32) -> (Geometry, Vec<Vec<u8>>) {
        let geometry = Geometry::new(size.0, size.1, 4, size.0 * 4).expect("a screen's size");
        let font = Font::new();
        let frame = |number| match self {
            Self::Typing => desktop(size, number, 0, &font),
            Self::Scrolling => desktop(size, number, number * 3, &font),
            Self::Game => game(size, number, false),
            Self::Grain => game(size, number, true),
        };
        (geometry, (0..count).map(|number| frame(number).bytes).collect())
    }
}

const BAR: u32 = 40;
const STATUS: u32 = 24;
const LINE: u32 = 18;
const PAPER: Colour = [250, 250, 250];
const SIDE: Colour = [45, 42, 38];
const BLUE: Colour = [200, 120, 30];

fn desktop(size: Size, number: u32, scrolled: u32, font: &Font) -> Frame {
    let (width, height) = size;
    let mut frame = Frame::new(size);
    frame.fill(0, 0, width, height, PAPER);
    for y in 0..BAR {
        frame.fill(0, y, width, 1, [235 - y as u8, 238 - y as u8, 240 - y as u8]);
    }
    for menu in 0..width / 120 {
        font.line(&mut frame, (menu * 120 + 12, 12), 1000 + menu, 10, [40; 3], [220, 222, 224]);
    }
    let side = width / 5;
    frame.fill(0, BAR, side, height - BAR - STATUS, SIDE);
    frame.fill(8, 46 + number / 30 % 20 * 22, side - 16, 20, [120, 80, 30]);
    for file in 0..(height - 80) / 22 {
        font.line(&mut frame, (16, 48 + file * 22), 2000 + file, 10 + file % 14, [210, 210, 200], SIDE);
    }
    for line in 0..(height - BAR - STATUS) / LINE + 1 {
        let y = (BAR + 4 + line * LINE).wrapping_sub(scrolled % LINE);
        if !(BAR..height - BAR - 4).contains(&y) {
            continue;
        }
        let text = scrolled / LINE + line;
        let mut random = Random::new(u64::from(text) + 77);
        let indent = random.below(5) * 4;
        font.line(&mut frame, (side + 12, y), text, 5, [160; 3], PAPER);
        let ink = [[20, 20, 20], [160, 40, 10], [20, 120, 30]][random.below(3) as usize];
        let letters = random.below((width - side) / 8 - 30);
        font.line(&mut frame, (side + 60 + indent * 8, y), text + 9000, letters, ink, PAPER);
    }
    if (number / 8).is_multiple_of(2) {
        frame.fill(side + 300, 200, 2, 16, [0; 3]);
    }
    frame.fill(0, height - STATUS, width, STATUS, BLUE);
    font.line(&mut frame, (width - 200, height - 19), number / 4 + 5000, 20, [255; 3], BLUE);
    frame
}

fn hash(x: u32, y: u32, seed: u32) -> u32 {
    let mut value =
        x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca77) ^ seed.wrapping_mul(0xc2b2_ae3d);
    value ^= value >> 15;
    value = value.wrapping_mul(0x2c1b_3c6d);
    value ^= value >> 12;
    value = value.wrapping_mul(0x297a_2d39);
    value ^ value >> 15
}

/// Noise with features of so many pixels, 0 to 255.
fn noise(x: u32, y: u32, cell: u32, seed: u32) -> u32 {
    let (left, top) = (x / cell, y / cell);
    let (right, down) = (x % cell * 256 / cell, y % cell * 256 / cell);
    let corner = |dx, dy| hash(left + dx, top + dy, seed) & 0xff;
    let above = corner(0, 0) * (256 - right) + corner(1, 0) * right;
    let below = corner(0, 1) * (256 - right) + corner(1, 1) * right;
    (above / 256 * (256 - down) + below / 256 * down) / 256
}

fn game(size: Size, number: u32, has_grain: bool) -> Frame {
    let (width, height) = size;
    let mut frame = Frame::new(size);
    let horizon = height * 2 / 5;
    for x in 0..width {
        let hill = horizon + noise(x + number * 2, 7, 190, 3) / 4;
        for y in 0..height {
            let colour = if y < hill {
                let depth = y * 255 / horizon;
                let cloud = noise(x + number, y * 2, 128, 1) / 4;
                let channel = |value: u32| value.min(255) as u8;
                [
                    255 - channel(depth / 4) / 2,
                    channel(120 + depth / 3 + cloud / 2),
                    channel(60 + depth / 2 + cloud),
                ]
            } else {
                let (u, v) = (x + number * 4, y);
                let base = noise(u, v, 64, 2) / 3 + noise(u, v, 16, 4) / 4 + noise(u, v, 4, 5) / 6;
                let light = 96 + (y - horizon) * 128 / height;
                [50, 140, 90].map(|tint| (base * tint / 128 * light / 160).min(255) as u8)
            };
            let grain = if has_grain { hash(x, y, number) % 4 } else { 0 };
            frame.put(x, y, colour.map(|channel| channel.saturating_add(grain as u8)));
        }
    }
    for sprite in 0..24 {
        let left = (hash(sprite, 1, 1) % width + number * (2 + sprite % 5)) % width;
        let top = horizon + hash(sprite, 2, 1) % (height - horizon - 64);
        for at in 0..1600u32 {
            let (x, y) = (at % 40, at / 40);
            let distance = x.abs_diff(20).pow(2) + y.abs_diff(20).pow(2);
            if distance < 400 {
                let light = (255 - distance / 2) as u8;
                frame.put(left + x, top + y, [light / 3, light / (1 + (sprite % 3) as u8), light]);
            }
        }
    }
    frame.fill(20, height - 100, 360, 80, [30; 3]);
    frame.fill(30, height - 90, 40 + number * 3 % 300, 20, [40, 40, 200]);
    frame
}
