//! Compilers in processes of their own, so that a crash or a hang of one is a result and not the end of the test.
//!
//! Two programs answer the same requests: `dxbc-worker` with our compiler and `vkd3d-peer` with vkd3d-shader. Each is
//! a [`Compiler`] behind [`serve`]; [`Process`] is the other end.

pub mod message;
pub mod ours;
pub mod substitute;
pub mod vkd3d;

mod process;

pub use process::{Failure, Process};

use std::io;
use std::time::{Duration, Instant};

use pvgpu_dxbc::{BindingClass, DescriptorType};

use message::{Message, to_bytes, to_words};

/// Request: translate the container in the only part. The answer is [`TRANSLATED`] or [`REFUSED`].
const TRANSLATE: u32 = 1;
/// Request: translate each part once and tell how long each took. The answer is [`TIMES`].
const TIME: u32 = 2;
/// Answer: times, the module, its places.
const TRANSLATED: u32 = 3;
/// Answer: the time and the reason.
const REFUSED: u32 = 4;
/// Answer: two numbers of nanoseconds for each part.
const TIMES: u32 = 5;

/// Where a compiler has put a D3D11 binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The D3D11 class.
    pub class: BindingClass,
    /// The D3D11 slot.
    pub slot: u32,
    /// The Vulkan binding; the set is always 0.
    pub binding: u32,
    /// The Vulkan descriptor.
    pub descriptor: DescriptorType,
    /// What a texel buffer's or image's elements are.
    pub element: Element,
}

/// The type of a texel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is what its name says")]
pub enum Element {
    Float,
    Uint,
    Sint,
}

/// A module and where its bindings are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Module {
    /// SPIR-V.
    pub spirv: Vec<u32>,
    /// Its bindings.
    pub places: Vec<Place>,
}

/// How long a translation took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Time {
    /// From the container to SPIR-V.
    pub whole: Duration,
    /// From tokens and signatures to SPIR-V, where the compiler can be called so; otherwise the same.
    pub tokens: Duration,
}

/// A compiler that can be served.
pub trait Compiler {
    /// Translates a container, and tells how long that alone took; a refusal is a sentence.
    fn translate(&self, container: &[u8]) -> (Time, Result<Module, String>);
}

/// Answers requests on the standard input until it is closed.
///
/// # Errors
/// A pipe's, or a request that is none.
pub fn serve(compiler: &impl Compiler) -> io::Result<()> {
    let (mut source, mut sink) = (io::stdin().lock(), io::BufWriter::new(io::stdout().lock()));
    while let Some(request) = Message::read(&mut source)? {
        answer(compiler, &request)?.write(&mut sink)?;
    }
    Ok(())
}

fn answer(compiler: &impl Compiler, request: &Message) -> io::Result<Message> {
    match (request.tag, request.parts.as_slice()) {
        (TRANSLATE, [container]) => {
            let (time, result) = compiler.translate(container);
            let time = to_bytes(&nanoseconds(time));
            Ok(match result {
                Ok(module) => {
                    let places: Vec<u32> = module.places.iter().copied().flat_map(Place::to_words).collect();
                    let parts = vec![time, to_bytes(&module.spirv), to_bytes(&places)];
                    Message { tag: TRANSLATED, parts }
                }
                Err(reason) => Message { tag: REFUSED, parts: vec![time, reason.into_bytes()] },
            })
        }
        (TIME, containers) => {
            let times = containers.iter().flat_map(|container| nanoseconds(compiler.translate(container).0));
            Ok(Message { tag: TIMES, parts: vec![to_bytes(&times.collect::<Vec<_>>())] })
        }
        (tag, parts) => {
            let text = format!("no request has tag {tag} and {} parts", parts.len());
            Err(io::Error::new(io::ErrorKind::InvalidData, text))
        }
    }
}

/// Runs something and tells how long it took.
pub fn timed<T>(action: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = action();
    (start.elapsed(), result)
}

/// A translation that takes longer than the four seconds that fit is as bad as one of four seconds.
fn nanoseconds(time: Time) -> [u32; 2] {
    [time.whole, time.tokens].map(|time| u32::try_from(time.as_nanos()).unwrap_or(u32::MAX))
}

impl Time {
    fn from_words(words: [u32; 2]) -> Self {
        let [whole, tokens] = words.map(|word| Duration::from_nanos(word.into()));
        Self { whole, tokens }
    }
}

/// The classes in the order of their numbers in messages.
const CLASSES: [BindingClass; 5] = [
    BindingClass::ConstantBuffer,
    BindingClass::Sampler,
    BindingClass::ShaderResource,
    BindingClass::UnorderedAccess,
    BindingClass::UnorderedAccessCounter,
];
/// The descriptor types in the order of their numbers in messages.
const DESCRIPTORS: [DescriptorType; 7] = [
    DescriptorType::UniformBuffer,
    DescriptorType::UniformTexelBuffer,
    DescriptorType::StorageBuffer,
    DescriptorType::StorageTexelBuffer,
    DescriptorType::SampledImage,
    DescriptorType::StorageImage,
    DescriptorType::Sampler,
];
/// The elements in the order of their numbers in messages.
const ELEMENTS: [Element; 3] = [Element::Float, Element::Uint, Element::Sint];

impl Place {
    fn to_words(self) -> [u32; 5] {
        [
            number(&CLASSES, &self.class),
            self.slot,
            self.binding,
            number(&DESCRIPTORS, &self.descriptor),
            number(&ELEMENTS, &self.element),
        ]
    }

    fn from_words([class, slot, binding, descriptor, element]: &[u32; 5]) -> Option<Self> {
        Some(Self {
            class: *CLASSES.get(*class as usize)?,
            slot: *slot,
            binding: *binding,
            descriptor: *DESCRIPTORS.get(*descriptor as usize)?,
            element: *ELEMENTS.get(*element as usize)?,
        })
    }
}

fn number<T: PartialEq>(all: &[T], one: &T) -> u32 {
    // The tables hold every variant, which the test below checks.
    all.iter().position(|other| other == one).map_or(u32::MAX, |place| place as u32)
}

/// What an answer to [`TRANSLATE`] says; `None` if it is no such answer.
fn translation(answer: &Message) -> Option<(Time, Result<Module, String>)> {
    let time = |part: &[u8]| Some(Time::from_words(to_words(part).try_into().ok()?));
    match (answer.tag, answer.parts.as_slice()) {
        (TRANSLATED, [times, spirv, places]) => {
            let words = to_words(places);
            let places = words.as_chunks().0.iter().map(Place::from_words).collect::<Option<_>>()?;
            Some((time(times)?, Ok(Module { spirv: to_words(spirv), places })))
        }
        (REFUSED, [times, reason]) => Some((time(times)?, Err(String::from_utf8_lossy(reason).into_owned()))),
        _ => None,
    }
}

/// What an answer to [`TIME`] says; `None` if it is no such answer.
fn times(answer: &Message) -> Option<Vec<Time>> {
    match (answer.tag, answer.parts.as_slice()) {
        (TIMES, [times]) => {
            Some(to_words(times).as_chunks().0.iter().map(|w| Time::from_words(*w)).collect())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes one byte and gives it back.
    struct Echo;

    impl Compiler for Echo {
        fn translate(&self, container: &[u8]) -> (Time, Result<Module, String>) {
            let time = Time { whole: Duration::from_nanos(7), tokens: Duration::from_secs(9) };
            let result = match container {
                [byte] => Ok(Module { spirv: vec![u32::from(*byte)], places: every_place() }),
                _ => Err("not one byte".to_owned()),
            };
            (time, result)
        }
    }

    fn every_place() -> Vec<Place> {
        let mut places = Vec::new();
        for (n, class) in CLASSES.into_iter().enumerate() {
            for descriptor in DESCRIPTORS {
                let element = ELEMENTS[n % ELEMENTS.len()];
                places.push(Place { class, slot: n as u32, binding: 1000 + n as u32, descriptor, element });
            }
        }
        places
    }

    #[test]
    fn answers_say_what_the_compiler_said() {
        let ask = |tag, parts: &[&[u8]]| {
            answer(&Echo, &Message { tag, parts: parts.iter().map(|part| part.to_vec()).collect() })
        };
        let time = Time { whole: Duration::from_nanos(7), tokens: Duration::from_nanos(u32::MAX.into()) };
        let module = Module { spirv: vec![5], places: every_place() };
        assert_eq!(translation(&ask(TRANSLATE, &[&[5]]).unwrap()), Some((time, Ok(module))));
        let refusal = Some((time, Err("not one byte".to_owned())));
        assert_eq!(translation(&ask(TRANSLATE, &[&[]]).unwrap()), refusal);
        let timed = ask(TIME, &[&[1], &[], &[2]]).unwrap();
        assert_eq!(times(&timed), Some(vec![time; 3]));
        assert_eq!(translation(&timed), None);
        assert!(ask(TRANSLATE, &[]).is_err());
        assert!(ask(9, &[]).is_err());
    }
}
