using System.Diagnostics.CodeAnalysis;

namespace Vitrine.Abi;

/// <summary>
/// Marks a type whose values must not be dropped: an expression statement of such a type is a build error
/// (analyzer VT0001). Assign to the discard <c>_</c> where dropping is meant, with a reason.
/// </summary>
[AttributeUsage(AttributeTargets.Struct | AttributeTargets.Enum | AttributeTargets.Class)]
internal sealed class MustUseAttribute : Attribute;

/// <summary>A value or the errno that explains its absence.</summary>
[MustUse]
internal struct Result<T>
{
    // Set by initializers and read directly: no constructor and fewer accessors to compile for each type of value at start-up.
    private T? _value;
    private Errno _error;

    /// <summary><see cref="Errno.Success"/> when there is a value.</summary>
    public readonly Errno Error => _error;

    public readonly bool Ok => _error == Errno.Success;

    /// <summary>The value. Only when <see cref="Ok"/>.</summary>
    public readonly T Value => _error == Errno.Success ? _value! : throw new InvalidOperationException("value of a failed result: " + _error);

    /// <summary>False and the errno, or true and the value.</summary>
    public readonly bool TryGet([MaybeNullWhen(false)] out T value, out Errno error)
    {
        value = _value;
        error = _error;
        return error == Errno.Success;
    }

    public static implicit operator Result<T>(T value) => new() { _value = value };

    public static implicit operator Result<T>(Errno error) =>
        error == Errno.Success ? throw new InvalidOperationException("a failure needs an errno") : new() { _error = error };
}

/// <summary>What a syscall puts into RAX: a value, or a negated errno.</summary>
[MustUse]
internal readonly record struct SyscallResult(long Value)
{
    public const long MaxErrno = 4095;

    public static SyscallResult Success => new(0);

    public bool IsError => Value is < 0 and >= -MaxErrno;

    public Errno Error => IsError ? (Errno)(-Value) : Errno.Success;

    public static implicit operator SyscallResult(Errno error) => new(-(long)error);

    public static implicit operator SyscallResult(long value) => new(value);

    public static implicit operator SyscallResult(int value) => new(value);

    public static implicit operator SyscallResult(uint value) => new(value);

    public static implicit operator SyscallResult(ulong value) => new((long)value);
}
