namespace Vitrine.Abi;

/// <summary>ioctl commands that more than one driver knows (asm-generic/ioctls.h).</summary>
internal static class IoctlCommand
{
    public const uint TcGets = 0x5401;
    public const uint TcSets = 0x5402;
    public const uint TcSetsW = 0x5403;
    public const uint TcSetsF = 0x5404;
    public const uint TiocGPgrp = 0x540F;
    public const uint TiocSPgrp = 0x5410;
    public const uint TiocGWinSz = 0x5413;
    public const uint TiocSWinSz = 0x5414;
    public const uint FioNRead = 0x541B;
    public const uint FioNBio = 0x5421;
    public const uint FioNClex = 0x5450;
    public const uint FioClex = 0x5451;
    public const uint FioAsync = 0x5452;
    public const uint FioQSize = 0x5460;
}
