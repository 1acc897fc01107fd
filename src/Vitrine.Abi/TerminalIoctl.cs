namespace Vitrine.Abi;

/// <summary>ioctl commands of terminals (ioctl_tty(2), asm-generic/ioctls.h).</summary>
internal static class TerminalIoctl
{
    public const uint GetAttributes = 0x5401;
    public const uint SetAttributes = 0x5402;
    public const uint SetAttributesDrain = 0x5403;
    public const uint SetAttributesFlush = 0x5404;
    public const uint GetTermio = 0x5405;
    public const uint SetTermio = 0x5406;
    public const uint SetTermioDrain = 0x5407;
    public const uint SetTermioFlush = 0x5408;
    public const uint SendBreak = 0x5409;
    public const uint FlowControl = 0x540A;
    public const uint Flush = 0x540B;
    public const uint Exclusive = 0x540C;
    public const uint NotExclusive = 0x540D;
    public const uint SetControlling = 0x540E;
    public const uint GetForeground = 0x540F;
    public const uint SetForeground = 0x5410;
    public const uint OutputQueued = 0x5411;
    public const uint Insert = 0x5412;
    public const uint GetWindow = 0x5413;
    public const uint SetWindow = 0x5414;
    public const uint GetSoftCarrier = 0x5419;
    public const uint SetSoftCarrier = 0x541A;
    public const uint InputQueued = 0x541B;
    public const uint RedirectConsole = 0x541D;
    public const uint PacketMode = 0x5420;
    public const uint GiveUpControlling = 0x5422;
    public const uint SetDiscipline = 0x5423;
    public const uint GetDiscipline = 0x5424;
    public const uint SendBreakPosix = 0x5425;
    public const uint BreakOn = 0x5427;
    public const uint BreakOff = 0x5428;
    public const uint GetSession = 0x5429;
    public const uint GetAttributes2 = 0x802C542A;
    public const uint SetAttributes2 = 0x402C542B;
    public const uint SetAttributes2Drain = 0x402C542C;
    public const uint SetAttributes2Flush = 0x402C542D;
    public const uint GetPtyNumber = 0x80045430;
    public const uint SetPtyLock = 0x40045431;
    public const uint GetDevice = 0x80045432;
    public const uint SignalPty = 0x40045436;
    public const uint HangUp = 0x5437;
    public const uint GetPacketMode = 0x80045438;
    public const uint GetPtyLock = 0x80045439;
    public const uint GetExclusive = 0x80045440;
    public const uint OpenPeer = 0x5441;
    public const uint GetLockedAttributes = 0x5456;
    public const uint SetLockedAttributes = 0x5457;
}
