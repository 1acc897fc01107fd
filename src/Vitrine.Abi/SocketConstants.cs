namespace Vitrine.Abi;

/// <summary>Address families (socket(2)).</summary>
internal enum AddressFamily : ushort
{
    Unspecified = 0,
    Unix = 1,
    Inet = 2,
    Inet6 = 10,
    Netlink = 16,
    Packet = 17,
}

/// <summary>Socket types (socket(2)), without the flags.</summary>
internal enum SocketType
{
    Stream = 1,
    Datagram = 2,
    Raw = 3,
    Rdm = 4,
    SequentialPacket = 5,
}

/// <summary>Flags of send and receive calls (MSG_*).</summary>
[Flags]
internal enum MessageFlags : uint
{
    None = 0,
    OutOfBand = 1,
    Peek = 2,
    DontRoute = 4,
    ControlTruncated = 8,
    Truncated = 0x20,
    DontWait = 0x40,
    EndOfRecord = 0x80,
    WaitAll = 0x100,
    NoSignal = 0x4000,
    WaitForOne = 0x10000,
    CloseOnExec = 0x40000000,
}

/// <summary>Socket-level options (socket(7)), level SOL_SOCKET = 1.</summary>
internal enum SocketOption
{
    Debug = 1,
    ReuseAddress = 2,
    Type = 3,
    Error = 4,
    DontRoute = 5,
    Broadcast = 6,
    SendBuffer = 7,
    ReceiveBuffer = 8,
    KeepAlive = 9,
    OutOfBandInline = 10,
    Priority = 12,
    Linger = 13,
    ReusePort = 15,
    PassCredentials = 16,
    PeerCredentials = 17,
    ReceiveLowWater = 18,
    SendLowWater = 19,
    ReceiveTimeout = 20,
    SendTimeout = 21,
    Timestamp = 29,
    AcceptConnections = 30,
    PeerSecurity = 31,
    SendBufferForce = 32,
    ReceiveBufferForce = 33,
    Protocol = 38,
    Domain = 39,
    PeerGroups = 59,
    PeerPidFd = 77,
}
