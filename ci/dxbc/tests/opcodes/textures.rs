//! Loads and stores of texels of every dimension (specification 22.4.6 to 22.4.9), inside and outside.

use pvgpu_dxbc_tests::gpu::{Contents, Format, Image, ImageKind};

use crate::coverage::tests;
use crate::harness::{execute, gpu};

tests! {
    loads: "ld", "dcl_resource";
    loads_with_offsets: "ld";
    loads_of_integers: "ld";
    loads_of_samples: "ld_ms";
    typed_stores: "store_uav_typed", "dcl_uav_typed";
    typed_loads: "ld_uav_typed";
}

/// A dimension: its name in a listing, and an image of that shape of three levels, where it has levels.
pub struct Dimension {
    /// As in `dcl_resource_texture2d`.
    pub name: &'static str,
    /// The kind of image.
    pub kind: ImageKind,
    /// The first level.
    pub extent: [u32; 3],
    /// Layers.
    pub layers: u32,
    /// Coordinates, without the layer.
    pub coordinates: usize,
}

/// Every dimension of a texture of one sample but the cubes.
pub const DIMENSIONS: [Dimension; 5] = [
    Dimension { name: "texture1d", kind: ImageKind::D1, extent: [8, 1, 1], layers: 1, coordinates: 1 },
    Dimension { name: "texture1darray", kind: ImageKind::D1, extent: [8, 1, 1], layers: 3, coordinates: 1 },
    Dimension { name: "texture2d", kind: ImageKind::D2, extent: [8, 4, 1], layers: 1, coordinates: 2 },
    Dimension { name: "texture2darray", kind: ImageKind::D2, extent: [8, 4, 1], layers: 3, coordinates: 2 },
    Dimension { name: "texture3d", kind: ImageKind::D3, extent: [8, 4, 4], layers: 1, coordinates: 3 },
];

/// A number that tells where a texel lies.
pub fn code(layer: u32, mip: u32, [x, y, z]: [u32; 3], sample: u32) -> u32 {
    1 + x + 8 * (y + 4 * (z + 4 * (mip + 4 * (layer + 12 * sample))))
}

/// The texel's number, and three more made of it.
pub fn texel(layer: u32, mip: u32, place: [u32; 3], sample: u32) -> [u32; 4] {
    let n = code(layer, mip, place, sample);
    [n, n + 10_000, 3 * n, n ^ 1]
}

fn as_floats(texel: [u32; 4]) -> [u32; 4] {
    texel.map(|n| (n as f32).to_bits())
}

impl Dimension {
    /// Whether it has layers.
    pub fn arrayed(&self) -> bool {
        self.name.ends_with("array")
    }

    /// An image of three levels whose texels tell where they lie.
    pub fn image(&self, format: Format) -> Image {
        let image = Image::new(self.kind, format, self.extent).with_layers(self.layers).with_mips(3);
        let float = !format.is_integer();
        image.filled(|layer, mip, place, sample| {
            let texel = texel(layer, mip, place, sample);
            if float { as_floats(texel) } else { texel }
        })
    }
}

/// Coordinates inside and outside of each dimension: x, y, z (or layer) and level.
fn addresses() -> Vec<[i32; 4]> {
    let mut addresses = Vec::new();
    for mip in [0, 1, 2, 3, -1, 100] {
        for z in [0, 1, 2, 3, 4, -1] {
            for y in [0, 1, 3, 4, -1] {
                addresses.extend([0, 1, 3, 4, 7, 8, -1, i32::MAX].map(|x| [x, y, z, mip]));
            }
        }
    }
    addresses
}

/// Executes `load`, which computes r1 from the address in r0, for each address.
fn run(declaration: &str, load: &str, addresses: &[[i32; 4]], texture: Contents) -> Vec<[u32; 4]> {
    let listing = format!(
        "cs_5_0
        dcl_globalFlags refactoringAllowed
        dcl_resource_raw t0
        {declaration}
        dcl_uav_raw u0
        dcl_input vThreadID.x
        dcl_temps 3
        dcl_thread_group 32, 1, 1
        ishl r2.x, vThreadID.x, l(4)
        ld_raw r0.xyzw, r2.x, t0.xyzw
        {load}
        store_raw u0.xyzw, r2.x, r1.xyzw
        ret"
    );
    let count = addresses.len().next_multiple_of(32);
    let mut input: Vec<u32> = addresses.as_flattened().iter().map(|n| *n as u32).collect();
    input.resize(count * 4, 0);
    let mut contents = [Contents::Buffer(input), texture, Contents::Buffer(vec![0; count * 4])];
    execute(&listing, &mut contents, count as u32 / 32);
    let (found, _) = contents[2].dwords().as_chunks::<4>();
    found[..addresses.len()].to_vec()
}

/// The texel that an address names in an image of that dimension, if there is one.
fn find(dimension: &Dimension, image: &Image, address: [i32; 4], offset: [i32; 3]) -> Option<[u32; 4]> {
    let mip = u32::try_from(address[3]).ok().filter(|mip| *mip < image.mips)?;
    let extent = image.level_extent(mip);
    let mut place = [0; 3];
    for n in 0..dimension.coordinates {
        let coordinate = i64::from(address[n]) + i64::from(offset[n]);
        place[n] = u32::try_from(coordinate).ok().filter(|x| *x < extent[n])?;
    }
    let layer = if dimension.arrayed() { address[dimension.coordinates] } else { 0 };
    let layer = u32::try_from(layer).ok().filter(|layer| *layer < image.layers)?;
    let dwords = image.texel(layer, mip, place, 0);
    dwords.try_into().ok()
}

fn check_loads(offset: [i32; 3], format: Format, ty: &str) {
    for dimension in &DIMENSIONS {
        let declaration = format!("dcl_resource_{} ({ty},{ty},{ty},{ty}) t1", dimension.name);
        let [u, v, w] = offset;
        let load = if offset == [0; 3] {
            "ld r1.xyzw, r0.xyzw, t1.xyzw".to_owned()
        } else {
            format!("ld({u},{v},{w}) r1.xyzw, r0.xyzw, t1.xyzw")
        };
        let image = dimension.image(format);
        let addresses = addresses();
        let found = run(&declaration, &load, &addresses, Contents::Image(image.clone()));
        for (address, found) in addresses.iter().zip(found) {
            let expected = find(dimension, &image, *address, offset).unwrap_or([0; 4]);
            assert_eq!(found, expected, "{} at {address:?} + {offset:?}", dimension.name);
        }
    }
}

fn loads() {
    check_loads([0; 3], Format::R32G32B32A32Sfloat, "float");
    // Through swizzles and under a mask.
    let image = DIMENSIONS[2].image(Format::R32G32B32A32Sfloat);
    let declaration = "dcl_resource_texture2d (float,float,float,float) t1";
    let load = "mov r1.xyzw, l(1, 2, 3, 4)\n ld r1.xz, r0.xyzw, t1.wxyz";
    let found = run(declaration, load, &[[3, 2, 0, 0]], Contents::Image(image));
    let [_, y, _, w] = as_floats(texel(0, 0, [3, 2, 0], 0));
    assert_eq!(found, [[w, 2, y, 4]]);
    // A typed buffer: neither level nor other coordinates count.
    let dwords: Vec<u32> = (0..40).map(|n| (n as f32).to_bits()).collect();
    let buffer = Contents::TypedBuffer { format: Format::R32G32B32A32Sfloat, dwords: dwords.clone() };
    let places: Vec<[i32; 4]> = [0, 1, 9, 10, 11, -1, 0x1000_0000, i32::MAX].map(|x| [x, 5, 6, 7]).to_vec();
    let declaration = "dcl_resource_buffer (float,float,float,float) t1";
    let found = run(declaration, "ld r1.xyzw, r0.xyzw, t1.xyzw", &places, buffer);
    for ([place, ..], found) in places.into_iter().zip(found) {
        let inside = usize::try_from(place).ok().and_then(|place| dwords.chunks(4).nth(place));
        assert_eq!(found, inside.unwrap_or(&[0; 4]), "buffer at {place}");
    }
}

fn loads_with_offsets() {
    check_loads([1, -1, 2], Format::R32G32B32A32Sfloat, "float");
    check_loads([-8, 7, -3], Format::R32G32B32A32Sfloat, "float");
}

fn loads_of_integers() {
    check_loads([0; 3], Format::R32G32B32A32Uint, "uint");
    check_loads([0; 3], Format::R32G32B32A32Sint, "sint");
}

/// 22.4.7: a sample that does not exist is undefined; a place that does not exist is zero.
fn loads_of_samples() {
    for (name, layers) in [("texture2dms", 1), ("texture2dmsarray", 2)] {
        let image = Image::new(ImageKind::D2, Format::R32G32B32A32Sfloat, [4, 4, 1]);
        let image = image.with_layers(layers).with_samples(4);
        let image = image.filled(|layer, mip, place, sample| as_floats(texel(layer, mip, place, sample)));
        let mut places = Vec::new();
        for y in [0, 1, 3, 4, -1] {
            for x in [0, 2, 3, 4, -1] {
                for layer in [0, 1, 2] {
                    places.extend((0..4).map(|sample| [x, y, layer, sample]));
                }
            }
        }
        let declaration = format!("dcl_resource_{name} (float,float,float,float) t1");
        for offset in [[0; 2], [1, -1]] {
            let load = if offset == [0; 2] {
                "ld_ms r1.xyzw, r0.xyzw, t1.xyzw, r0.w"
            } else {
                "ld_ms(1,-1,0) r1.xyzw, r0.xyzw, t1.xyzw, r0.w"
            };
            let found = run(&declaration, load, &places, Contents::Image(image.clone()));
            for ([x, y, layer, sample], found) in places.iter().copied().zip(found) {
                let (x, y) = (x + offset[0], y + offset[1]);
                let layer = if layers == 1 { 0 } else { layer as u32 };
                let inside = (0..4).contains(&x) && (0..4).contains(&y) && layer < layers;
                let place = [x as u32, y as u32, 0];
                let expected = if inside { as_floats(texel(layer, 0, place, sample as u32)) } else { [0; 4] };
                assert_eq!(found, expected, "{name} at {x}, {y}, {layer}, sample {sample}");
            }
        }
    }
}

/// The number of elements in each direction of the views that are stored to.
fn sizes(dimension: &Dimension) -> [u32; 3] {
    let mut sizes = [1; 3];
    sizes[..dimension.coordinates].copy_from_slice(&dimension.extent[..dimension.coordinates]);
    if dimension.arrayed() {
        sizes[dimension.coordinates] = dimension.layers;
    }
    sizes
}

/// Threads store 1 + 8 × their number at their own place, and at places outside, which must leave no trace.
fn typed_stores() {
    let body = |declaration: &str, groups: [u32; 3]| {
        let [x, y, _] = groups;
        format!(
            "cs_5_0
            dcl_globalFlags refactoringAllowed
            {declaration}
            dcl_input vThreadGroupID.xyz
            dcl_temps 3
            dcl_thread_group 1, 1, 1
            imad r0.x, vThreadGroupID.z, l({y}), vThreadGroupID.y
            imad r0.x, r0.x, l({x}), vThreadGroupID.x
            imad r0.x, r0.x, l(8), l(1)
            iadd r0.xyzw, r0.xxxx, l(0, 1, 2, 3)
            store_uav_typed u0.xyzw, vThreadGroupID.xyzz, r0.xyzw
            mov r1.xyzw, l(-1, -1, -1, -1)
            store_uav_typed u0.xyzw, r1.xyzw, r0.xyzw
            mov r1.xyzw, vThreadGroupID.xyzz
            mov r1.x, l({x})
            store_uav_typed u0.xyzw, r1.xyzw, r0.xyzw
            mov r1.x, l(0x10000000)
            store_uav_typed u0.xyzw, r1.xyzw, r0.xyzw
            ret"
        )
    };
    for dimension in &DIMENSIONS {
        for (ty, format) in [
            ("uint", Format::R32G32B32A32Uint),
            ("sint", Format::R32Sint),
            ("float", Format::R32G32B32A32Sfloat),
            ("uint", Format::R32Uint),
        ] {
            let image = Image::new(dimension.kind, format, dimension.extent).with_layers(dimension.layers);
            let sizes = sizes(dimension);
            let declaration = format!("dcl_uav_typed_{} ({ty},{ty},{ty},{ty}) u0", dimension.name);
            let mut contents = [Contents::Image(image)];
            run_groups(&body(&declaration, sizes), &mut contents, sizes);
            let stored = contents[0].image();
            for n in 0..sizes.iter().product::<u32>() {
                let place = [n % sizes[0], n / sizes[0] % sizes[1], n / sizes[0] / sizes[1]];
                let (mut inside, mut layer) = (place, 0);
                if dimension.arrayed() {
                    layer = std::mem::take(&mut inside[dimension.coordinates]);
                }
                let all = [0, 1, 2, 3].map(|k| 1 + 8 * n + k);
                let expected = &all[..format.dwords()];
                let found = stored.texel(layer, 0, inside, 0);
                assert_eq!(found, expected, "{} of {ty} at {place:?}", dimension.name);
            }
        }
    }
    let declaration = "dcl_uav_typed_buffer (sint,sint,sint,sint) u0";
    let mut contents = [Contents::TypedBuffer { format: Format::R32G32B32A32Sint, dwords: vec![0; 20] }];
    run_groups(&body(declaration, [5, 1, 1]), &mut contents, [5, 1, 1]);
    let expected: Vec<u32> = (0..5).flat_map(|n| [0, 1, 2, 3].map(|k| 1 + 8 * n + k)).collect();
    assert_eq!(contents[0].dwords(), expected);
}

/// Executes in three dimensions of groups.
fn run_groups(listing: &str, contents: &mut [Contents], groups: [u32; 3]) {
    let tokens = pvgpu_dxbc_tests::listing::assemble(listing);
    let compiled = crate::harness::translate(&tokens, &Default::default());
    gpu().dispatch(&compiled, contents, groups);
}

/// Loads from a view of one 32-bit component, the only ones that D3D11.0 allows: missing components are 0 and 1.
fn typed_loads() {
    for dimension in &DIMENSIONS {
        for (ty, format) in
            [("uint", Format::R32Uint), ("sint", Format::R32Sint), ("float", Format::R32Sfloat)]
        {
            let image = Image::new(dimension.kind, format, dimension.extent).with_layers(dimension.layers);
            let float = ty == "float";
            let image = image.filled(|layer, mip, place, sample| {
                let texel = texel(layer, mip, place, sample);
                if float { as_floats(texel) } else { texel }
            });
            let listing = format!(
                "cs_5_0
                dcl_globalFlags refactoringAllowed
                dcl_resource_raw t0
                dcl_uav_raw u0
                dcl_uav_typed_{} ({ty},{ty},{ty},{ty}) u1
                dcl_input vThreadID.x
                dcl_temps 3
                dcl_thread_group 32, 1, 1
                ishl r2.x, vThreadID.x, l(4)
                ld_raw r0.xyzw, r2.x, t0.xyzw
                ld_uav_typed r1.xyzw, r0.xyzw, u1.xyzw
                store_raw u0.xyzw, r2.x, r1.xyzw
                ret",
                dimension.name
            );
            let addresses: Vec<[i32; 4]> =
                addresses().into_iter().filter(|address| address[3] == 0).collect();
            let count = addresses.len().next_multiple_of(32);
            let mut input: Vec<u32> = addresses.as_flattened().iter().map(|n| *n as u32).collect();
            input.resize(count * 4, 0);
            let mut contents = [
                Contents::Buffer(input),
                Contents::Buffer(vec![0; count * 4]),
                Contents::Image(image.clone()),
            ];
            execute(&listing, &mut contents, count as u32 / 32);
            let one = if float { 1f32.to_bits() } else { 1 };
            for (address, found) in addresses.iter().zip(contents[1].dwords().chunks(4)) {
                let inside = place_of(dimension, &image, *address);
                match inside {
                    Some((layer, place)) => {
                        let x = image.texel(layer, 0, place, 0)[0];
                        assert_eq!(found, [x, 0, 0, one], "{} of {ty} at {address:?}", dimension.name);
                    }
                    // What a format does not have may be 0 or its default outside.
                    None => {
                        assert_eq!(found[..3], [0; 3], "{} of {ty} at {address:?}", dimension.name);
                        assert!(found[3] == 0 || found[3] == one);
                    }
                }
            }
        }
    }
}

/// Layer and place of an address, if it is inside.
fn place_of(dimension: &Dimension, image: &Image, address: [i32; 4]) -> Option<(u32, [u32; 3])> {
    let mut place = [0; 3];
    for n in 0..dimension.coordinates {
        place[n] = u32::try_from(address[n]).ok().filter(|x| *x < image.extent[n])?;
    }
    let layer = if dimension.arrayed() { address[dimension.coordinates] } else { 0 };
    Some((u32::try_from(layer).ok().filter(|layer| *layer < image.layers)?, place))
}
