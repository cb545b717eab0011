//! Shaders with class instances: each set of instances makes another object of the host's.

use pvgpu_protocol::command::{ClassInstance, LinkShader};
use pvgpu_protocol::limits::MAX_CLASS_INSTANCES;

use crate::device::Device;
use crate::error::Error;

/// The shaders that were made from others by binding them with class instances.
#[derive(Debug, Default)]
pub struct LinkedShaders {
    shaders: Vec<LinkedShader>,
}

#[derive(Debug)]
struct LinkedShader {
    /// The shader that the runtime knows.
    from: u32,
    instances: Vec<ClassInstance>,
    /// The object's number.
    id: u32,
}

impl LinkedShaders {
    fn find(&self, from: u32, instances: &[ClassInstance]) -> Option<u32> {
        let it = self.shaders.iter().find(|shader| shader.from == from && shader.instances == instances);
        it.map(|shader| shader.id)
    }

    /// Takes one of a shader's out, to be destroyed with it.
    pub(crate) fn take(&mut self, from: u32) -> Option<u32> {
        let at = self.shaders.iter().position(|shader| shader.from == from)?;
        Some(self.shaders.swap_remove(at).id)
    }
}

impl Device {
    /// `VsSetShaderWithIfaces` and its like; `stage` is one of [`pvgpu_protocol::command::stage`].
    ///
    /// # Errors
    /// [`Error::Unsupported`] for more instances than a shader has interfaces; [`Error::OutOfMemory`],
    /// [`Error::DeviceRemoved`].
    pub fn set_linked_shader(
        &mut self,
        stage: u32,
        shader: u32,
        instances: &[ClassInstance],
    ) -> Result<(), Error> {
        if instances.is_empty() {
            return self.set_shader(stage, shader);
        }
        if instances.len() > MAX_CLASS_INSTANCES {
            return Err(Error::Unsupported("so many class instances"));
        }
        let id = match self.linked.find(shader, instances) {
            Some(id) => id,
            None => {
                let id =
                    self.create(|context, id| context.emit(&LinkShader { id, shader, instances }), |id| id)?;
                let instances = instances.to_vec();
                self.linked.shaders.push(LinkedShader { from: shader, instances, id });
                id
            }
        };
        self.set_shader(stage, id)
    }
}
