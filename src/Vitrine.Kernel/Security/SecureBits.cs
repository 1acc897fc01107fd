namespace Vitrine.Kernel.Security;

/// <summary>SECBIT_* of prctl(PR_SET_SECUREBITS), capabilities(7).</summary>
internal static class SecureBits
{
    public const uint NoRoot = 1 << 0;
    public const uint NoRootLocked = 1 << 1;
    public const uint NoSetuidFixup = 1 << 2;
    public const uint NoSetuidFixupLocked = 1 << 3;
    public const uint KeepCapabilities = 1 << 4;
    public const uint KeepCapabilitiesLocked = 1 << 5;
    public const uint NoAmbientRaise = 1 << 6;
    public const uint NoAmbientRaiseLocked = 1 << 7;

    public const uint All = 0xff;
    public const uint Locks = NoRootLocked | NoSetuidFixupLocked | KeepCapabilitiesLocked | NoAmbientRaiseLocked;
}
