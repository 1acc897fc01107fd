using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Vitrine.Cpu.State;

/// <summary>
/// Everything a running virtual processor touches, in one native block of 64-byte alignment: handlers get a
/// pointer to it and address registers by byte offset. Only the processor's own thread reads or writes it,
/// except <see cref="External"/>, which any thread sets bits in.
/// </summary>
/// <remarks>
/// Arithmetic flags are kept in two words (see <c>CpuState.Flags.cs</c>). While guest code runs,
/// RIP is <see cref="PageBase"/> plus the offset stored in the current operation; <see cref="Rip"/> is set when
/// a handler leaves for the driver loop.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = Size)]
internal unsafe partial struct CpuState
{
    public const int Size = 4096;

    public const int PageBaseOffset = 128;
    public const int ZeroOffset = 136;
    public const int TempAddressOffset = 144;
    public const int FsBaseOffset = 152;
    public const int GsBaseOffset = 160;
    public const int FlagResultOffset = 168;
    public const int FlagAuxOffset = 176;
    public const int RetiredOffset = 184;
    public const int AttentionOffset = 192;
    public const int TlbOffset = 200;
    public const int JumpCacheOffset = 208;
    public const int JumpKeyOffset = 216;
    public const int FlagKindOffset = 224;
    public const int BudgetOffset = 228;
    public const int BudgetStartOffset = 364;
    public const int NearLimitOffset = 408;
    public const int NativeReasonOffset = 500;
    public const int FlagAOffset = 240;
    public const int FlagBOffset = 248;
    public const int MxcsrOffset = 260;
    public const int FlagROffset = 448;
    public const int FlagOverlayOffset = 456;
    public const int NativeSiteOffset = 464;
    public const int MissAddressOffset = 472;
    public const int HostStackOffset = 480;
    public const int FlagImageOffset = 496;
    public const int ScratchOffset = 504;
    public const int IndexOffset = 324;
    public const int YmmOffset = 512;
    public const int YmmStride = 32;
    public const int X87Offset = 1024;
    public const int SplitReadOffset = 1280;
    public const int SplitWriteOffset = 2304;
    public const int SplitCapacity = 1024;

    /// <summary>While machine code runs nothing is in the buffer of a split load: where it keeps host registers, a TLB entry's offset, and an operand's in its page.</summary>
    public const int KeptOffset = SplitReadOffset;
    public const int TlbPlaceOffset = KeptOffset + 24;
    public const int OffsetInPageOffset = KeptOffset + 32;
    public const int KeptT0Offset = KeptOffset + 40;
    public const int KeptPointerOffset = KeptOffset + 48;

    /// <summary>RAX RCX RDX RBX RSP RBP RSI RDI R8–R15.</summary>
    [FieldOffset(0)] public fixed ulong Gpr[16];

    /// <summary>Virtual base of the page that the current block lies in; set only when control enters another page.</summary>
    [FieldOffset(PageBaseOffset)] public ulong PageBase;

    /// <summary>Always zero: the base or index of an address that has none.</summary>
    [FieldOffset(ZeroOffset)] public ulong Zero;

    /// <summary>An address computed by a preceding address operation (unusual addressing forms).</summary>
    [FieldOffset(TempAddressOffset)] public ulong TempAddress;

    [FieldOffset(FsBaseOffset)] public ulong FsBase;
    [FieldOffset(GsBaseOffset)] public ulong GsBase;

    [FieldOffset(FlagResultOffset)] public long FlagResult;
    [FieldOffset(FlagAuxOffset)] public ulong FlagAux;

    /// <summary>Instructions retired.</summary>
    [FieldOffset(RetiredOffset)] public ulong Retired;

    /// <summary><see cref="External"/> and <see cref="Internal"/> in one word: zero while nothing wants attention.</summary>
    [FieldOffset(AttentionOffset)] public ulong Attention;

    /// <summary><see cref="AttentionBits"/>, set by any thread with an atomic OR.</summary>
    [FieldOffset(AttentionOffset)] public int External;

    /// <summary>Why a handler left for the driver loop: a <see cref="LeaveReason"/>.</summary>
    [FieldOffset(AttentionOffset + 4)] public int Internal;

    [FieldOffset(TlbOffset)] public TlbEntry* Tlb;
    [FieldOffset(JumpCacheOffset)] public JumpEntry* JumpCache;

    /// <summary>Added to an address to make a jump-cache key; a change forgets all entries at once.</summary>
    [FieldOffset(JumpKeyOffset)] public ulong JumpKey;

    [FieldOffset(424)] public ulong Rip;

    /// <summary>The flags outside the arithmetic six: DF, TF, IF, AC, ID, NT…, and the fixed bit 1.</summary>
    [FieldOffset(488)] public ulong SystemFlags;

    /// <summary>While machine code runs, what the flags follow from (<see cref="Translator.FlagRecord"/>); zero everywhere else.</summary>
    [FieldOffset(FlagKindOffset)] public uint FlagKind;

    /// <summary>Why machine code came back: a <see cref="Translator.NativeReason"/>.</summary>
    [FieldOffset(NativeReasonOffset)] public int NativeReason;

    [FieldOffset(FlagAOffset)] public ulong FlagA;
    [FieldOffset(FlagBOffset)] public ulong FlagB;
    [FieldOffset(FlagROffset)] public ulong FlagR;
    [FieldOffset(FlagOverlayOffset)] public ulong FlagOverlay;

    /// <summary>Where machine code left.</summary>
    [FieldOffset(NativeSiteOffset)] public Translator.NativeSite* NativeSite;

    /// <summary>An address that the TLB or the jump cache didn't have.</summary>
    [FieldOffset(MissAddressOffset)] public ulong MissAddress;

    /// <summary>The host's stack pointer while machine code runs.</summary>
    [FieldOffset(HostStackOffset)] public ulong HostStack;

    [FieldOffset(FlagImageOffset)] public uint FlagImage;

    /// <summary>
    /// Instructions that machine code may still count before it looks for attention; what is missing from
    /// <see cref="BudgetStart"/> isn't in <see cref="Retired"/> yet.
    /// </summary>
    [FieldOffset(BudgetOffset)] public int Budget;
    [FieldOffset(BudgetStartOffset)] public int BudgetStart;

    /// <summary>
    /// Machine code isn't given a budget beyond this count of retired instructions, so that a run with a limit can end
    /// exactly there; the greatest number: no limit.
    /// </summary>
    [FieldOffset(NearLimitOffset)] public ulong NearLimit;
    [FieldOffset(ScratchOffset)] public ulong Scratch;

    /// <summary>Enters machine code: see <see cref="Translator.HostCode"/>.</summary>
    [FieldOffset(416)] public void* NativeGate;

    [FieldOffset(432)] public int ExitKind;
    [FieldOffset(436)] public int ExitVector;
    [FieldOffset(440)] public ulong ExitAddress;
    [FieldOffset(256)] public uint ExitError;

    [FieldOffset(MxcsrOffset)] public uint Mxcsr;

    /// <summary>The link operation to patch when <see cref="Internal"/> is <see cref="LeaveReason.Link"/>.</summary>
    [FieldOffset(264)] public void* PendingLink;

    [FieldOffset(272)] public byte* Ram;
    [FieldOffset(280)] public ulong RamLength;
    [FieldOffset(288)] public ulong Cr3;

    /// <summary>Per frame: decoded code, or null. Shared by the complex.</summary>
    [FieldOffset(296)] public void** FrameCode;

    /// <summary>Per frame one bit: some processor may hold a writable translation. Shared by the complex.</summary>
    [FieldOffset(304)] public uint* WrittenFrames;

    /// <summary>How the instruction is being executed: <see cref="StepFlags"/>; zero in normal runs.</summary>
    [FieldOffset(312)] public int Stepping;

    /// <summary>Code frames that the stepped instruction wrote to.</summary>
    [FieldOffset(316)] public uint CodeWrite0;
    [FieldOffset(320)] public uint CodeWrite1;

    /// <summary>This processor's number, as <c>cpuid</c> and <c>rdtscp</c> tell it.</summary>
    [FieldOffset(IndexOffset)] public uint Index;

    /// <summary>A store that crosses pages waits in the split buffer until <c>CommitSplit</c>.</summary>
    [FieldOffset(328)] public byte* SplitFirst;
    [FieldOffset(336)] public byte* SplitSecond;
    [FieldOffset(344)] public int SplitFirstLength;
    [FieldOffset(348)] public int SplitSecondLength;

    [FieldOffset(352)] public ushort Es;
    [FieldOffset(354)] public ushort Cs;
    [FieldOffset(356)] public ushort Ss;
    [FieldOffset(358)] public ushort Ds;
    [FieldOffset(360)] public ushort Fs;
    [FieldOffset(362)] public ushort Gs;

    /// <summary>What the driver hands back to a service request (<see cref="LeaveReason.ReadTsc"/>, <see cref="LeaveReason.ReadRandom"/>).</summary>
    [FieldOffset(368)] public ulong ServiceValue;

    /// <summary>One bit per hashed page from which the jump cache of this address space was filled.</summary>
    [FieldOffset(376)] public ulong* ExecutedPages;

    /// <summary>Where a written translation was last refused because the frame holds code.</summary>
    [FieldOffset(384)] public ulong RefusedWrite;

    /// <summary>Operands that the debug registers watch: bit n for number n; bit n + 4: for reads as well as writes. Zero: none.</summary>
    [FieldOffset(1232)] public int WatchActive;

    /// <summary>The watched operands that the stepped instruction touched.</summary>
    [FieldOffset(1236)] public int WatchHits;
    [FieldOffset(1240)] public fixed ulong WatchAddress[4];
    [FieldOffset(1272)] public fixed byte WatchLength[4];

    /// <summary>Not zero: some pages are stepped through, so whoever enters another page must ask the driver.</summary>
    [FieldOffset(1276)] public int StepsPages;

    /// <summary>Which instructions there are: a <see cref="CpuLevel"/>.</summary>
    [FieldOffset(392)] public CpuLevel Level;

    /// <summary>XCR0: the components that XSAVE manages.</summary>
    [FieldOffset(400)] public ulong ExtendedControl;

    /// <summary>YMM registers: 16 slots of 32 bytes, of which the XMM registers are the low 16.</summary>
    [FieldOffset(YmmOffset)] public fixed ulong Ymm[64];

    /// <summary>The eight physical x87 registers of 16 bytes, the low 10 used; MMn is the low 8 bytes of slot n.</summary>
    [FieldOffset(X87Offset)] public fixed ulong X87[16];

    [FieldOffset(1152)] public ushort FpuControl;

    /// <summary>x87 status word without TOP (bits 11–13 are zero here).</summary>
    [FieldOffset(1154)] public ushort FpuStatus;

    /// <summary>One bit per physical register: 1 = in use (the abridged tag byte of FXSAVE).</summary>
    [FieldOffset(1156)] public byte FpuTag;
    [FieldOffset(1158)] public ushort FpuOpcode;

    /// <summary>TOP, 0 to 7: ST(i) is physical register (TOP + i) &amp; 7.</summary>
    [FieldOffset(1160)] public int FpuTop;
    [FieldOffset(1168)] public ulong FpuIp;
    [FieldOffset(1176)] public ulong FpuDp;

    [FieldOffset(SplitReadOffset)] public fixed byte SplitRead[SplitCapacity];
    [FieldOffset(SplitWriteOffset)] public fixed byte SplitWrite[SplitCapacity];

    public readonly ushort FpuStatusWithTop => (ushort)(FpuStatus | FpuTop << 11);

    /// <summary>Host address of physical x87 register <paramref name="n"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* X87Register(CpuState* c, int n) => (byte*)c + X87Offset + ((n & 7) << 4);

    /// <summary>Host address of ST(<paramref name="i"/>).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* X87Stack(CpuState* c, int i) => (byte*)c + X87Offset + (((c->FpuTop + i) & 7) << 4);

    /// <summary>Host address of XMM register <paramref name="n"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Xmm(CpuState* c, int n) => (byte*)c + YmmOffset + n * YmmStride;

    /// <summary>Host address of half a YMM register: 2n is XMM register n, 2n + 1 what lies above it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Half(CpuState* c, int n) => (byte*)c + YmmOffset + n * (YmmStride / 2);

    /// <summary>
    /// Asks for an exception on the current instruction. To be called from an executing function before it changes
    /// any state; the handler that called the function then leaves with RIP on the instruction.
    /// </summary>
    public static void RequestException(CpuState* c, ExceptionVector vector)
    {
        c->ExitKind = (int)CpuExitKind.Exception;
        c->ExitVector = (int)vector;
        c->ExitAddress = 0;
        c->ExitError = 0;
        c->Internal = (int)LeaveReason.Exit;
    }
}

/// <summary>One translation: host address = (address XOR tag) + Host where the result of the XOR is below 4096.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct TlbEntry
{
    public ulong Read;
    public ulong Write;
    public ulong Execute;
    public byte* Host;
}

/// <summary>Where a virtual address's block was found last.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct JumpEntry
{
    public ulong Key;
    public void* Block;
}

/// <summary>What other threads want of a processor.</summary>
[Flags]
internal enum AttentionBits
{
    None = 0,
    Kick = 1,
    Flush = 2,
    Stop = 4,
}

/// <summary>Why a handler left for the driver loop.</summary>
internal enum LeaveReason
{
    None = 0,

    /// <summary>The run ends; the exit fields say with what.</summary>
    Exit = 1,

    /// <summary>Go on at <see cref="CpuState.Rip"/>: the block was not in the jump cache, or state changed.</summary>
    Lookup = 2,

    /// <summary>As <see cref="Lookup"/>, and <see cref="CpuState.PendingLink"/> may be patched with what is found.</summary>
    Link = 3,

    /// <summary>The instruction at RIP writes to a frame that holds decoded code.</summary>
    CodeWrite = 4,

    /// <summary>The instruction at RIP must run while all other processors stand still.</summary>
    Exclusive = 5,

    /// <summary>A stepped instruction is complete; RIP is behind it.</summary>
    StepDone = 6,

    /// <summary>The instruction at RIP is not known.</summary>
    Unknown = 7,

    /// <summary>The instruction at RIP wants the time stamp in <see cref="CpuState.ServiceValue"/>.</summary>
    ReadTsc = 8,

    /// <summary>The instruction at RIP must be interpreted by a step: it accesses a watched page, or machine code leaves it to that.</summary>
    Alone = 9,

    /// <summary>As <see cref="Link"/>, for a jump in machine code: <see cref="CpuState.NativeSite"/> tells which.</summary>
    NativeLink = 10,

    /// <summary>As <see cref="Alone"/>, and <see cref="CpuState.NativeSite"/> is to lead to other code when operands lie so again.</summary>
    NativeSplit = 13,

    /// <summary>The block at RIP has been run often enough to be translated.</summary>
    Hot = 11,

    /// <summary>The instruction at RIP wants a random number in <see cref="CpuState.ServiceValue"/>.</summary>
    ReadRandom = 12,
}

/// <summary>How a single instruction is stepped.</summary>
[Flags]
internal enum StepFlags
{
    None = 0,

    /// <summary>Not from the cache: exactly one instruction is executed.</summary>
    Single = 1,

    /// <summary>Stores to code frames are let through and recorded.</summary>
    MayWriteCode = 2,

    /// <summary>All other processors stand still.</summary>
    Exclusive = 4,

    /// <summary><see cref="CpuState.ServiceValue"/> is valid.</summary>
    HasService = 8,

    /// <summary>Set by a MOV to SS: a single-step trap waits for the instruction behind it.</summary>
    HoldsTrap = 16,

    /// <summary>A repeated string instruction runs as it does in a block, to its end: it counts as one instruction.</summary>
    WholeRepeat = 32,
}
