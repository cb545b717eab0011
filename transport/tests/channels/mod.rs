//! Both ends of the carriers that a mirror is tested over.

use std::net::{TcpListener, TcpStream};

use pvgpu_transport::carrier::{Channel, Channels};
use pvgpu_transport::pipe;
use pvgpu_transport::secure::{DirectionKeys, SessionKeys};
use pvgpu_transport::tcp::Half;

/// Which carrier.
#[derive(Clone, Copy, Debug)]
pub enum Carrier {
    /// Pipes in memory: everything goes through buffers.
    Pipe,
    /// TCP over loopback.
    Tcp,
    /// The same, encrypted.
    Sealed,
}

pub const ALL: [Carrier; 3] = [Carrier::Pipe, Carrier::Tcp, Carrier::Sealed];

/// Both ends of a connection over loopback.
fn streams() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let ours = TcpStream::connect(listener.local_addr().expect("bound")).expect("somebody listens");
    let (theirs, _) = listener.accept().expect("somebody has come");
    for stream in [&ours, &theirs] {
        stream.set_nodelay(true).expect("a connection");
    }
    (ours, theirs)
}

fn channel(sealed: bool, seed: u8) -> (Channel, Channel) {
    let (ours, theirs) = streams();
    let keys = |send: u8, receive: u8| {
        let key = |byte| DirectionKeys::new([byte; 32], 0);
        sealed.then(|| SessionKeys { send: key(send), receive: key(receive) })
    };
    let ours = Half { stream: ours, keys: keys(seed, seed + 1) };
    let theirs = Half { stream: theirs, keys: keys(seed + 1, seed) };
    (ours.into_channel(), theirs.into_channel())
}

/// Both ends.
pub fn pair(carrier: Carrier) -> (Channels, Channels) {
    let sealed = match carrier {
        Carrier::Pipe => return pipe::pair(),
        Carrier::Tcp => false,
        Carrier::Sealed => true,
    };
    let ((urgent, other_urgent), (bulk, other_bulk)) = (channel(sealed, 1), channel(sealed, 3));
    (Channels { urgent, bulk }, Channels { urgent: other_urgent, bulk: other_bulk })
}
