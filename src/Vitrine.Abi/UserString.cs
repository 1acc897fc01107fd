namespace Vitrine.Abi;

/// <summary>A pointer to a NUL-terminated string in user memory, usually a path.</summary>
internal readonly record struct UserString(VirtAddr Address)
{
    public bool IsNull => Address.Value == 0;
}
