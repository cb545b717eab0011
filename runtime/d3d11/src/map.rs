//! `Map`: which resources may be mapped how, and which entry of the DDI serves it.
//!
//! The DDI has an entry for each common case so that a driver need not look at the resource again; this is where the
//! runtime decides (DDI reference: "ResourceMap", "DynamicIABufferMapDiscard" and their kin).

use crate::desc::resource::{Flags, Usage, bind, cpu};
use crate::hresult::{E_INVALIDARG, Result, require};

/// What the application wants, `D3D11_MAP`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Read.
    Read,
    /// Write.
    Write,
    /// Both.
    ReadWrite,
    /// Write everything anew.
    WriteDiscard,
    /// Write what the GPU does not use.
    WriteNoOverwrite,
}

impl Mode {
    /// From the API's number, which is the DDI's too.
    ///
    /// # Errors
    /// `E_INVALIDARG` for a number that is none.
    pub fn new(number: u32) -> Result<Self> {
        Ok(match number {
            1 => Self::Read,
            2 => Self::Write,
            3 => Self::ReadWrite,
            4 => Self::WriteDiscard,
            5 => Self::WriteNoOverwrite,
            _ => return Err(E_INVALIDARG),
        })
    }
}

/// The family of DDI entries that maps and unmaps a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// `pfnDynamicIABufferMapDiscard`, `…MapNoOverwrite`, `…Unmap`: dynamic vertex and index buffers.
    DynamicIaBuffer,
    /// `pfnDynamicConstantBufferMapDiscard`, `…MapNoOverwrite`, `…Unmap`.
    DynamicConstantBuffer,
    /// `pfnDynamicResourceMapDiscard`, `…Unmap`: other dynamic resources.
    DynamicResource,
    /// `pfnStagingResourceMap`, `…Unmap`.
    Staging,
    /// `pfnResourceMap`, `…Unmap`: default buffers with CPU access.
    Default,
}

/// Checks a mapping and chooses its entry. `is_buffer` tells buffers from textures.
///
/// # Errors
/// `E_INVALIDARG`: the usage or the CPU access does not allow the mode.
pub fn entry(flags: Flags, is_buffer: bool, mode: Mode) -> Result<Entry> {
    match flags.usage {
        Usage::Immutable => Err(E_INVALIDARG),
        Usage::Dynamic => {
            let no_overwrite = mode == Mode::WriteNoOverwrite;
            require(mode == Mode::WriteDiscard || no_overwrite)?;
            // Writing beside the GPU needs memory that has addresses: no textures.
            require(is_buffer || !no_overwrite)?;
            Ok(if !is_buffer {
                Entry::DynamicResource
            } else if flags.bind & bind::CONSTANT_BUFFER != 0 {
                Entry::DynamicConstantBuffer
            } else if flags.bind & !(bind::VERTEX_BUFFER | bind::INDEX_BUFFER) == 0 {
                Entry::DynamicIaBuffer
            } else {
                Entry::DynamicResource
            })
        }
        Usage::Default | Usage::Staging => {
            let needed = match mode {
                Mode::Read => cpu::READ,
                Mode::Write => cpu::WRITE,
                Mode::ReadWrite => cpu::READ | cpu::WRITE,
                Mode::WriteDiscard | Mode::WriteNoOverwrite => return Err(E_INVALIDARG),
            };
            require(flags.cpu & needed == needed)?;
            Ok(if flags.usage == Usage::Default { Entry::Default } else { Entry::Staging })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_usages_and_modes() {
        let dynamic = |bind| Flags { usage: Usage::Dynamic, bind, cpu: cpu::WRITE, misc: 0 };
        let staging = |cpu| Flags { usage: Usage::Staging, bind: 0, cpu, misc: 0 };
        let both = cpu::READ | cpu::WRITE;
        let cases = [
            (dynamic(bind::VERTEX_BUFFER), true, Mode::WriteDiscard, Ok(Entry::DynamicIaBuffer)),
            (dynamic(bind::INDEX_BUFFER), true, Mode::WriteNoOverwrite, Ok(Entry::DynamicIaBuffer)),
            (dynamic(bind::CONSTANT_BUFFER), true, Mode::WriteDiscard, Ok(Entry::DynamicConstantBuffer)),
            (dynamic(bind::SHADER_RESOURCE), true, Mode::WriteDiscard, Ok(Entry::DynamicResource)),
            (dynamic(bind::SHADER_RESOURCE | 1), true, Mode::WriteDiscard, Ok(Entry::DynamicResource)),
            (dynamic(bind::SHADER_RESOURCE), false, Mode::WriteDiscard, Ok(Entry::DynamicResource)),
            (dynamic(bind::SHADER_RESOURCE), false, Mode::WriteNoOverwrite, Err(E_INVALIDARG)),
            (dynamic(bind::VERTEX_BUFFER), true, Mode::Write, Err(E_INVALIDARG)),
            (Flags { usage: Usage::Default, ..staging(both) }, true, Mode::Write, Ok(Entry::Default)),
            (Flags { usage: Usage::Default, ..staging(0) }, true, Mode::Read, Err(E_INVALIDARG)),
            (Flags { usage: Usage::Immutable, ..staging(0) }, true, Mode::Read, Err(E_INVALIDARG)),
            (staging(cpu::READ), false, Mode::Read, Ok(Entry::Staging)),
            (staging(cpu::READ), false, Mode::Write, Err(E_INVALIDARG)),
            (staging(both), true, Mode::ReadWrite, Ok(Entry::Staging)),
            (staging(both), true, Mode::WriteDiscard, Err(E_INVALIDARG)),
        ];
        for (flags, is_buffer, mode, expected) in cases {
            assert_eq!(entry(flags, is_buffer, mode), expected, "{flags:?} {is_buffer} {mode:?}");
        }
        assert_eq!((Mode::new(0), Mode::new(6)), (Err(E_INVALIDARG), Err(E_INVALIDARG)));
    }
}
