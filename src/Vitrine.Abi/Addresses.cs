using System.Globalization;

namespace Vitrine.Abi;

/// <summary>A guest virtual (linear) address.</summary>
internal readonly record struct VirtAddr(ulong Value) : IComparable<VirtAddr>
{
    /// <summary>The address of the page that holds this one.</summary>
    public VirtAddr PageBase => new(Value & ~(Page.Size - 1));

    /// <summary>The offset within the page, 0 to 4095.</summary>
    public int PageOffset => (int)(Value & (Page.Size - 1));

    public bool IsPageAligned => (Value & (Page.Size - 1)) == 0;

    public int CompareTo(VirtAddr other) => Value.CompareTo(other.Value);

    public static VirtAddr operator +(VirtAddr a, ulong offset) => new(a.Value + offset);

    public static VirtAddr operator -(VirtAddr a, ulong offset) => new(a.Value - offset);

    public static ulong operator -(VirtAddr a, VirtAddr b) => a.Value - b.Value;

    public static bool operator <(VirtAddr a, VirtAddr b) => a.Value < b.Value;

    public static bool operator >(VirtAddr a, VirtAddr b) => a.Value > b.Value;

    public static bool operator <=(VirtAddr a, VirtAddr b) => a.Value <= b.Value;

    public static bool operator >=(VirtAddr a, VirtAddr b) => a.Value >= b.Value;

    public override string ToString() => "0x" + Value.ToString("x", CultureInfo.InvariantCulture);
}

/// <summary>A guest physical address: an offset into guest RAM.</summary>
internal readonly record struct PhysAddr(ulong Value)
{
    public PageFrameNumber Frame => new((uint)(Value >> Page.Shift));

    public int PageOffset => (int)(Value & (Page.Size - 1));

    public static PhysAddr operator +(PhysAddr a, ulong offset) => new(a.Value + offset);

    public override string ToString() => "0x" + Value.ToString("x", CultureInfo.InvariantCulture);
}

/// <summary>The number of a 4 KiB frame of guest RAM.</summary>
internal readonly record struct PageFrameNumber(uint Value)
{
    /// <summary>No frame. Frame 0 is reserved at boot, so 0 can mean "none".</summary>
    public static PageFrameNumber None => default;

    public bool IsNone => Value == 0;

    public PhysAddr Address => new((ulong)Value << Page.Shift);

    public static PageFrameNumber operator +(PageFrameNumber a, uint n) => new(a.Value + n);
}

/// <summary>The size of a page of x86-64.</summary>
internal static class Page
{
    public const int Shift = 12;
    public const ulong Size = 1UL << Shift;
    public const int HugeShift = 21;
    public const ulong HugeSize = 1UL << HugeShift;

    public static ulong AlignDown(ulong value) => value & ~(Size - 1);

    public static ulong AlignUp(ulong value) => (value + Size - 1) & ~(Size - 1);
}
