//! Flags that all resources share, and their translation to the DDI.

use pvgpu_umd_ddi as ddi;

use crate::hresult::{Result, require};

/// `D3D11_BIND_*` as the API numbers them.
pub mod bind {
    pub const VERTEX_BUFFER: u32 = 0x1;
    pub const INDEX_BUFFER: u32 = 0x2;
    pub const CONSTANT_BUFFER: u32 = 0x4;
    pub const SHADER_RESOURCE: u32 = 0x8;
    pub const STREAM_OUTPUT: u32 = 0x10;
    pub const RENDER_TARGET: u32 = 0x20;
    pub const DEPTH_STENCIL: u32 = 0x40;
    pub const UNORDERED_ACCESS: u32 = 0x80;
    /// The flags above, all that this runtime serves (video flags are refused).
    pub const ALL: u32 = 0xff;
}

/// `D3D11_CPU_ACCESS_*`.
pub mod cpu {
    pub const WRITE: u32 = 0x1_0000;
    pub const READ: u32 = 0x2_0000;
}

/// `D3D11_RESOURCE_MISC_*`.
pub mod misc {
    pub const GENERATE_MIPS: u32 = 0x1;
    pub const SHARED: u32 = 0x2;
    pub const TEXTURECUBE: u32 = 0x4;
    pub const DRAWINDIRECT_ARGS: u32 = 0x10;
    pub const BUFFER_ALLOW_RAW_VIEWS: u32 = 0x20;
    pub const BUFFER_STRUCTURED: u32 = 0x40;
    pub const RESOURCE_CLAMP: u32 = 0x80;
    pub const SHARED_KEYEDMUTEX: u32 = 0x100;
    pub const GDI_COMPATIBLE: u32 = 0x200;
    pub const SHARED_NTHANDLE: u32 = 0x800;
    pub const TILE_POOL: u32 = 0x2_0000;
    pub const TILED: u32 = 0x4_0000;
    /// The flags that let other devices use a resource.
    pub const ANY_SHARED: u32 = SHARED | SHARED_KEYEDMUTEX | SHARED_NTHANDLE;
    /// The flags above: what this runtime knows.
    pub const ALL: u32 = 0x6_0bf7;
}

/// `D3D11_USAGE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// The GPU reads and writes.
    Default,
    /// The GPU reads what creation gave.
    Immutable,
    /// The CPU writes, the GPU reads.
    Dynamic,
    /// The CPU reads and writes, the GPU copies.
    Staging,
}

impl Usage {
    /// From the API's number.
    ///
    /// # Errors
    /// `E_INVALIDARG` for a number that is no usage.
    pub fn new(usage: u32) -> Result<Self> {
        Ok(match usage {
            0 => Self::Default,
            1 => Self::Immutable,
            2 => Self::Dynamic,
            3 => Self::Staging,
            _ => return Err(crate::hresult::E_INVALIDARG),
        })
    }

    /// The API's and the DDI's number.
    pub const fn number(self) -> u32 {
        match self {
            Self::Default => ddi::D3D10_DDI_USAGE_DEFAULT,
            Self::Immutable => ddi::D3D10_DDI_USAGE_IMMUTABLE,
            Self::Dynamic => ddi::D3D10_DDI_USAGE_DYNAMIC,
            Self::Staging => ddi::D3D10_DDI_USAGE_STAGING,
        }
    }
}

/// Usage, bind, CPU access and misc flags of a resource, in the API's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags {
    /// How the resource is used.
    pub usage: Usage,
    /// Bits of [`bind`].
    pub bind: u32,
    /// Bits of [`cpu`].
    pub cpu: u32,
    /// Bits of [`misc`].
    pub misc: u32,
}

impl Flags {
    /// Checks the rules that hold for every kind of resource.
    ///
    /// # Errors
    /// `E_INVALIDARG`: a flag that is unknown or that the usage does not allow (`D3D11_USAGE`, table of resource usage
    /// restrictions); `initial` says whether initial data is given, which immutable resources need.
    pub fn validate(self, initial: bool) -> Result {
        require(self.bind & !bind::ALL == 0)?;
        require(self.cpu & !(cpu::READ | cpu::WRITE) == 0)?;
        require(self.misc & !misc::ALL == 0)?;
        match self.usage {
            // Of buffers, see `buffer::Desc`.
            Usage::Default => Ok(()),
            Usage::Immutable => require(self.cpu == 0 && initial && self.bind != 0)
                .and(require(self.bind & (bind::ALL & !INPUTS) == 0)),
            Usage::Dynamic => require(self.cpu == cpu::WRITE && self.bind != 0 && self.bind & !INPUTS == 0),
            Usage::Staging => require(self.cpu != 0 && self.bind == 0),
        }?;
        // A mutex is one way to share, none the other; a handle of NT is for either.
        let shared = self.misc & (misc::SHARED | misc::SHARED_KEYEDMUTEX);
        require(shared != misc::SHARED | misc::SHARED_KEYEDMUTEX)?;
        require(shared != 0 || self.misc & misc::SHARED_NTHANDLE == 0)?;
        require(shared == 0 || self.usage == Usage::Default)?;
        require(self.misc & misc::GENERATE_MIPS == 0 || self.usage == Usage::Default)?;
        self.validate_tiles(initial)
    }

    /// Checks the rules of tiled resources and tile pools (documentation: "Tiled resource creation parameters", "Tile pool
    /// creation parameters").
    fn validate_tiles(self, initial: bool) -> Result {
        if self.misc & (misc::TILED | misc::TILE_POOL) == 0 {
            return Ok(());
        }
        // They begin with no memory, and a pool's is nobody's.
        require(self.usage == Usage::Default && self.cpu == 0 && !initial && !self.is_shared())?;
        if self.misc & misc::TILE_POOL != 0 {
            return require(self.misc == misc::TILE_POOL && self.bind == 0);
        }
        let views =
            bind::SHADER_RESOURCE | bind::RENDER_TARGET | bind::DEPTH_STENCIL | bind::UNORDERED_ACCESS;
        require(self.bind & !views == 0 && self.misc & misc::GDI_COMPATIBLE == 0)
    }

    /// The DDI's bind flags.
    pub const fn ddi_bind(self) -> u32 {
        let mut flags = self.bind & ddi::D3D10_DDI_BIND_PIPELINE_MASK;
        if self.bind & bind::UNORDERED_ACCESS != 0 {
            flags |= ddi::D3D11_DDI_BIND_UNORDERED_ACCESS;
        }
        flags
    }

    /// The DDI's CPU access flags.
    pub const fn ddi_map(self) -> u32 {
        let mut flags = 0;
        if self.cpu & cpu::WRITE != 0 {
            flags |= ddi::D3D10_DDI_CPU_ACCESS_WRITE;
        }
        if self.cpu & cpu::READ != 0 {
            flags |= ddi::D3D10_DDI_CPU_ACCESS_READ;
        }
        flags
    }

    /// The DDI's misc flags: cubes are a dimension there, and GDI compatibility is the runtime's own matter.
    pub const fn ddi_misc(self) -> u32 {
        let same = misc::GENERATE_MIPS
            | misc::DRAWINDIRECT_ARGS
            | misc::BUFFER_ALLOW_RAW_VIEWS
            | misc::BUFFER_STRUCTURED
            | misc::RESOURCE_CLAMP;
        // How it is shared is between the runtime and the kernel.
        let shared = if self.misc & misc::ANY_SHARED == 0 { 0 } else { ddi::D3D10_DDI_RESOURCE_MISC_SHARED };
        let mut tiles = 0;
        if self.misc & misc::TILED != 0 {
            tiles |= ddi::D3DWDDM1_3DDI_RESOURCE_MISC_TILED;
        }
        if self.misc & misc::TILE_POOL != 0 {
            tiles |= ddi::D3DWDDM1_3DDI_RESOURCE_MISC_TILE_POOL;
        }
        self.misc & same | shared | tiles
    }

    /// Whether other devices may use the resource.
    pub const fn is_shared(self) -> bool {
        self.misc & misc::ANY_SHARED != 0
    }
}

/// What read-only resources may be bound as.
const INPUTS: u32 = bind::VERTEX_BUFFER | bind::INDEX_BUFFER | bind::CONSTANT_BUFFER | bind::SHADER_RESOURCE;

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(usage: Usage, bind: u32, cpu: u32) -> Flags {
        Flags { usage, bind, cpu, misc: 0 }
    }

    #[test]
    fn usage_restricts_access_and_binding() {
        use Usage::*;
        let good = [
            (Default, bind::RENDER_TARGET, 0, false),
            (Default, 0, 0, false),
            (Immutable, bind::SHADER_RESOURCE, 0, true),
            (Dynamic, bind::CONSTANT_BUFFER, cpu::WRITE, false),
            (Staging, 0, cpu::READ, false),
            (Staging, 0, cpu::READ | cpu::WRITE, true),
        ];
        for (usage, bind, cpu, initial) in good {
            assert!(flags(usage, bind, cpu).validate(initial).is_ok(), "{usage:?} {bind:#x} {cpu:#x}");
        }
        let bad = [
            (Immutable, bind::SHADER_RESOURCE, 0, false),
            (Immutable, bind::RENDER_TARGET, 0, true),
            (Dynamic, bind::CONSTANT_BUFFER, cpu::READ, false),
            (Dynamic, bind::RENDER_TARGET, cpu::WRITE, false),
            (Dynamic, 0, cpu::WRITE, false),
            (Staging, bind::SHADER_RESOURCE, cpu::READ, false),
            (Staging, 0, 0, false),
            (Default, 0x200, 0, false),
        ];
        for (usage, bind, cpu, initial) in bad {
            assert!(flags(usage, bind, cpu).validate(initial).is_err(), "{usage:?} {bind:#x} {cpu:#x}");
        }
        assert_eq!(Usage::new(4), Err(crate::hresult::E_INVALIDARG));
        let shared = |usage, misc| Flags { misc, ..flags(usage, 0, 0) }.validate(false).is_ok();
        for misc in [misc::SHARED, misc::SHARED_KEYEDMUTEX] {
            assert!(shared(Default, misc) && shared(Default, misc | misc::SHARED_NTHANDLE));
            assert!(!shared(Immutable, misc));
        }
        assert!(
            !shared(Default, misc::SHARED | misc::SHARED_KEYEDMUTEX)
                && !shared(Default, misc::SHARED_NTHANDLE)
        );
    }

    #[test]
    fn tiled_resources_are_default_and_bound_to_views() {
        let with = |misc, flags: Flags| Flags { misc, ..flags }.validate(false);
        let plain = flags(Usage::Default, bind::SHADER_RESOURCE | bind::RENDER_TARGET, 0);
        assert!(with(misc::TILED | misc::RESOURCE_CLAMP, plain).is_ok());
        assert!(with(misc::TILE_POOL, flags(Usage::Default, 0, 0)).is_ok());
        assert!(Flags { misc: misc::TILED, ..plain }.validate(true).is_err());
        for bad in [
            with(misc::TILED | misc::TILE_POOL, flags(Usage::Default, 0, 0)),
            with(misc::TILED | misc::SHARED, plain),
            with(misc::TILED | misc::GDI_COMPATIBLE, plain),
            with(misc::TILED, flags(Usage::Default, bind::VERTEX_BUFFER, 0)),
            with(misc::TILED, flags(Usage::Dynamic, bind::SHADER_RESOURCE, cpu::WRITE)),
            with(misc::TILE_POOL, plain),
        ] {
            assert!(bad.is_err());
        }
    }

    #[test]
    fn the_ddi_has_numbers_of_its_own() {
        let flags = Flags {
            usage: Usage::Staging,
            bind: bind::UNORDERED_ACCESS | bind::SHADER_RESOURCE,
            cpu: cpu::READ | cpu::WRITE,
            misc: misc::TEXTURECUBE | misc::BUFFER_STRUCTURED,
        };
        assert_eq!(flags.ddi_bind(), 0x108);
        assert_eq!(flags.ddi_map(), 3);
        assert_eq!(flags.ddi_misc(), misc::BUFFER_STRUCTURED);
        let tiles = Flags { misc: misc::TILED | misc::TILE_POOL, ..flags };
        assert_eq!(tiles.ddi_misc(), 0xc000);
    }
}
