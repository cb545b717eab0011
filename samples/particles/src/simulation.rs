//! The simulation as the CPU computes it, for checking what the GPU computed.
//!
//! The same steps as `shaders/step_cs.hlsl`, in the same order: the two differ at most in the last bits of a product.

/// How many particles there are.
pub const COUNT: u32 = 4096;
/// Pull to the centre, per step and distance.
pub const SPRING: f32 = 0.0009;
/// Push around the centre, per step and distance.
pub const SWIRL: f32 = 0.0006;
/// What is left of the velocity after a step.
pub const DRAG: f32 = 0.985;

/// By how much a position or velocity may differ; both stay below 4, where a single-precision step is 2.4e-7.
const TOLERANCE: f32 = 4e-6;

/// One particle, laid out as in the shaders' structured buffers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Particle {
    position: [f32; 2],
    velocity: [f32; 2],
    life: u32,
    random: u32,
}

/// The bytes of one [`Particle`] in a buffer: six little-endian words.
pub const PARTICLE_BYTES: usize = 24;

/// All particles at the start: at the centre, about to begin their first life at steps 0 to 63.
pub fn start() -> Vec<Particle> {
    (0..COUNT)
        .map(|index| {
            let random = next_random(index.wrapping_mul(2_654_435_761));
            Particle { position: [0.0; 2], velocity: [0.0; 2], life: random >> 26, random }
        })
        .collect()
}

impl Particle {
    /// The particle after one step.
    pub fn stepped(self) -> Self {
        if self.life == 0 {
            let first = next_random(self.random);
            let second = next_random(first);
            let third = next_random(second);
            return Self {
                position: [signed_unit(first), signed_unit(second)],
                velocity: [0.0; 2],
                life: 64 + (third >> 25),
                random: third,
            };
        }
        let [x, y] = self.position;
        let turn = [y * SWIRL, -x * SWIRL];
        let velocity: [f32; 2] =
            std::array::from_fn(|i| self.velocity[i] * DRAG + (turn[i] - self.position[i] * SPRING));
        let position = std::array::from_fn(|i| self.position[i] + velocity[i]);
        Self { position, velocity, life: self.life - 1, random: self.random }
    }

    /// The particle as the buffer holds it.
    pub fn to_bytes(self) -> impl Iterator<Item = u8> {
        let floats = self.position.into_iter().chain(self.velocity).map(f32::to_bits);
        floats.chain([self.life, self.random]).flat_map(u32::to_le_bytes)
    }

    /// Reads a particle from the buffer's bytes.
    pub fn from_bytes(bytes: &[u8; PARTICLE_BYTES]) -> Self {
        let word = |i: usize| u32::from_le_bytes(std::array::from_fn(|byte| bytes[i * 4 + byte]));
        let float = |i| f32::from_bits(word(i));
        Self {
            position: [float(0), float(1)],
            velocity: [float(2), float(3)],
            life: word(4),
            random: word(5),
        }
    }

    /// True if the GPU's `other` is the same but for rounding. Whole numbers must be equal.
    fn agrees_with(&self, other: &Self) -> bool {
        // Not `> TOLERANCE`: a NaN must not pass.
        let close = |a: [f32; 2], b: [f32; 2]| a.iter().zip(b).all(|(a, b)| (a - b).abs() <= TOLERANCE);
        self.life == other.life
            && self.random == other.random
            && close(self.position, other.position)
            && close(self.velocity, other.velocity)
    }
}

/// Checks that the GPU made `after` out of `before` in one step.
///
/// # Errors
/// Says which particle is wrong first, and how many are.
pub fn check_step(before: &[Particle], after: &[Particle]) -> Result<(), String> {
    let expected = before.iter().map(|particle| particle.stepped());
    let wrong: Vec<_> = expected
        .zip(after)
        .enumerate()
        .filter(|(_, (expected, found))| !expected.agrees_with(found))
        .collect();
    match wrong.first() {
        None => Ok(()),
        Some((index, (expected, found))) => Err(format!(
            "{} of {} particles differ from the CPU's; the first is number {index}: expected {expected:?}, the GPU has \
             {found:?}",
            wrong.len(),
            after.len(),
        )),
    }
}

/// One step of the 32-bit linear congruential generator of Numerical Recipes.
fn next_random(state: u32) -> u32 {
    state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223)
}

/// The upper 16 bits as a number from −1 to just below 1; exact in single precision.
fn signed_unit(random: u32) -> f32 {
    // CAST: 16 bits fit into a float's 24.
    (random >> 16) as f32 / 32768.0 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(steps: usize) -> Vec<Particle> {
        let step = |particles: Vec<Particle>| particles.into_iter().map(Particle::stepped).collect();
        (0..steps).fold(start(), |particles, _| step(particles))
    }

    #[test]
    fn particles_survive_the_buffer() {
        for particle in after(70) {
            let bytes: Vec<u8> = particle.to_bytes().collect();
            let bytes: &[u8; PARTICLE_BYTES] = bytes.as_slice().try_into().expect("24 bytes");
            assert_eq!(Particle::from_bytes(bytes), particle);
        }
    }

    #[test]
    fn all_particles_live_within_64_steps_and_stay_in_range() {
        let particles = after(65);
        assert!(particles.iter().all(|particle| particle.position != [0.0; 2]));
        assert!(particles.iter().flat_map(|particle| particle.position).all(|x| x.abs() < 4.0));
    }

    #[test]
    fn a_wrong_particle_is_found() {
        let (before, right) = (after(80), after(81));
        assert_eq!(check_step(&before, &right), Ok(()));
        let wrong = |change: fn(&mut Particle)| {
            let mut particles = right.clone();
            change(&mut particles[7]);
            check_step(&before, &particles).expect_err("a difference must be found")
        };
        assert!(wrong(|particle| particle.life += 1).contains("1 of 4096 particles"));
        assert!(wrong(|particle| particle.random ^= 1).contains("number 7"));
        wrong(|particle| particle.position[1] += 1e-5);
        wrong(|particle| particle.velocity[0] = f32::NAN);
        // Rounding is no difference.
        let mut close = right.clone();
        close[7].position[0] += 1e-6;
        assert_eq!(check_step(&before, &close), Ok(()));
    }
}
